#include "server/config/peer_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

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

	if (text.length >= sizeof(copy)) {
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
	bool is_ipv4 = memcmp(peer.bytes, mapped, sizeof(mapped)) == 0;

	if (!inet_ntop(is_ipv4 ? AF_INET : AF_INET6, peer.bytes + (is_ipv4 ? sizeof(mapped) : 0),
		       text, PEER_ADDRESS_TEXT_SIZE)) {
		text[0] = '\0';
	}
}
