/*
 * peer_address: the network address that a connection comes from, as 16 bytes: an IPv6 address, or
 * an IPv4 one mapped into it (RFC 4291, 2.5.5.2). All zero: not known.
 */
#ifndef SERVER_CONFIG_PEER_ADDRESS_H
#define SERVER_CONFIG_PEER_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

#include "shared/text/words.h"

#define PEER_ADDRESS_BITS      128
#define PEER_ADDRESS_TEXT_SIZE 64 /* bytes of either, a NUL counted in */

struct peer_address {
	unsigned char bytes[16];
};

/* The address that accept4(2) gave. */
struct peer_address peer_address_of(const struct sockaddr_storage *address);

bool peer_address_equal(struct peer_address a, struct peer_address b);

/*
 * What caps and penalties are counted by: an IPv4 address itself; of an IPv6 address its /64, since
 * one host has all of that.
 */
struct peer_address peer_address_owner(struct peer_address peer);

/* Reads "192.0.2.7" or "2001:db8::7"; false if TEXT is neither. */
bool peer_address_read(struct span text, struct peer_address *peer);

/* Writes it as people write it, into TEXT, PEER_ADDRESS_TEXT_SIZE bytes. */
void peer_address_write(struct peer_address peer, char *text);

#define PEER_NETWORK_BITS_MAX 128 /* one address alone */

/* All addresses whose first BITS bits are those of `first`; the others of `first` are 0. */
struct peer_network {
	struct peer_address first;
	uint8_t bits; /* 0 to 128; an IPv4 network's are those of the mapped address: 96 more */
};

bool peer_network_has(struct peer_network network, struct peer_address peer);
bool peer_network_equal(struct peer_network a, struct peer_network b);

/*
 * Reads "ADDRESS" or "ADDRESS/BITS"; false if TEXT is neither. Without bits an IPv4 address stands
 * for itself, an IPv6 address for its /64. Bits of the address beyond are dropped.
 */
bool peer_network_read(struct span text, struct peer_network *network);

/* Writes it into TEXT, PEER_ADDRESS_TEXT_SIZE bytes; an IPv4 address alone without its bits. */
void peer_network_write(struct peer_network network, char *text);

#endif
