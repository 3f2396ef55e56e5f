/*
 * The address of a ban, with or without bits: what was read has itself in it, and reads the same
 * when it is written.
 */
#include <stdlib.h>
#include <string.h>

#include "server/config/peer_address.h"
#include "shared/text/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds)
{
	if (!holds) {
		abort();
	}
}

static void check_network(struct peer_network network)
{
	char text[PEER_ADDRESS_TEXT_SIZE];
	struct peer_network again;

	expect(network.bits <= 128 && peer_network_has(network, network.first));
	peer_network_write(network, text);
	expect(strlen(text) > 0 && text_is_clean(text, strlen(text)));
	expect(peer_network_read(span_of(text), &again) && peer_network_equal(network, again));
}

static void check_address(struct peer_address peer)
{
	char text[PEER_ADDRESS_TEXT_SIZE];
	struct peer_address again;

	peer_address_write(peer, text);
	expect(peer_address_read(span_of(text), &again) && peer_address_equal(peer, again));
	expect(peer_address_equal(peer_address_owner(peer_address_owner(peer)),
				  peer_address_owner(peer)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = { (const char *)data, size };
	struct peer_network network;
	struct peer_address peer;

	if (peer_network_read(text, &network)) {
		check_network(network);
	}
	if (peer_address_read(text, &peer)) {
		check_address(peer);
		expect(peer_network_read(text, &network) && peer_network_has(network, peer));
	}
	return 0;
}
