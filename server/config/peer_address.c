#include "server/config/peer_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define MAPPED_BITS 96 /* before an IPv4 address */
#define OWNER_BITS  64 /* of an IPv6 address: what one host has */

static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

static bool is_ipv4(struct peer_address peer)
{
	return memcmp(peer.bytes, mapped, sizeof(mapped)) == 0;
}

static struct peer_address of_ipv4(const struct in_addr *address)
{
	struct peer_address peer;

	memcpy(peer.bytes, mapped, sizeof(mapped));
	memcpy(peer.bytes + sizeof(mapped), address, sizeof(*address));
	return peer;
}

struct peer_address peer_address_of(const struct sockaddr_storage *address)
{
	struct peer_address peer = { { 0 } };

	if (address->ss_family == AF_INET) {
		return of_ipv4(&((const struct sockaddr_in *)address)->sin_addr);
	}
	if (address->ss_family == AF_INET6) {
		memcpy(peer.bytes, &((const struct sockaddr_in6 *)address)->sin6_addr,
		       sizeof(peer.bytes));
	}
	return peer;
}

bool peer_address_equal(struct peer_address a, struct peer_address b)
{
	return memcmp(a.bytes, b.bytes, sizeof(a.bytes)) == 0;
}

bool peer_address_read(struct span text, struct peer_address *peer)
{
	char copy[PEER_ADDRESS_TEXT_SIZE];
	struct in_addr ipv4;

	if (text.length >= sizeof(copy) || memchr(text.text, '\0', text.length)) {
		return false;
	}
	memcpy(copy, text.text, text.length);
	copy[text.length] = '\0';
	if (inet_pton(AF_INET, copy, &ipv4) == 1) {
		*peer = of_ipv4(&ipv4);
		return true;
	}
	return inet_pton(AF_INET6, copy, peer->bytes) == 1;
}

void peer_address_write(struct peer_address peer, char *text)
{
	bool ipv4 = is_ipv4(peer);

	if (!inet_ntop(ipv4 ? AF_INET : AF_INET6, peer.bytes + (ipv4 ? sizeof(mapped) : 0), text,
		       PEER_ADDRESS_TEXT_SIZE)) {
		text[0] = '\0';
	}
}

static struct peer_address cut_after(struct peer_address peer, unsigned bits)
{
	for (unsigned i = 0; i < sizeof(peer.bytes); i++) {
		unsigned kept = bits > 8 * i ? bits - 8 * i : 0;

		if (kept < 8) {
			peer.bytes[i] = (unsigned char)(peer.bytes[i] & (0xff00U >> kept));
		}
	}
	return peer;
}

struct peer_address peer_address_owner(struct peer_address peer)
{
	return is_ipv4(peer) ? peer : cut_after(peer, OWNER_BITS);
}

bool peer_network_has(struct peer_network network, struct peer_address peer)
{
	return peer_address_equal(network.first, cut_after(peer, network.bits));
}

bool peer_network_equal(struct peer_network a, struct peer_network b)
{
	return a.bits == b.bits && peer_address_equal(a.first, b.first);
}

bool peer_network_read(struct span text, struct peer_network *network)
{
	const char *slash = memchr(text.text, '/', text.length);
	struct span address = { text.text, slash ? (size_t)(slash - text.text) : text.length };
	struct peer_address peer;
	int64_t bits;

	if (!peer_address_read(address, &peer)) {
		return false;
	}
	unsigned before =
		is_ipv4(peer) && !memchr(address.text, ':', address.length) ? MAPPED_BITS : 0;

	bits = is_ipv4(peer) ? PEER_ADDRESS_BITS - before : OWNER_BITS;
	if (slash && !words_number((struct span){ slash + 1, text.length - address.length - 1 }, 0,
				   PEER_ADDRESS_BITS - before, &bits)) {
		return false;
	}
	network->bits = (uint8_t)(bits + before);
	network->first = cut_after(peer, network->bits);
	return true;
}

void peer_network_write(struct peer_network network, char *text)
{
	bool ipv4 = is_ipv4(network.first) && network.bits >= MAPPED_BITS;
	size_t length;

	peer_address_write(network.first, text);
	if (ipv4 && network.bits == PEER_ADDRESS_BITS) {
		return;
	}
	length = strlen(text);
	(void)snprintf(text + length, PEER_ADDRESS_TEXT_SIZE - length, "/%d",
		       network.bits - (ipv4 ? MAPPED_BITS : 0));
}
