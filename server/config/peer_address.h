/*
 * peer_address: the network address that a connection comes from, as 16 bytes: an IPv6 address, or
 * an IPv4 one mapped into it (RFC 4291, 2.5.5.2). All zero: not known.
 */
#ifndef SERVER_CONFIG_PEER_ADDRESS_H
#define SERVER_CONFIG_PEER_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

#include "shared/text/words.h"

#define PEER_ADDRESS_TEXT_SIZE 64

struct peer_address {
	unsigned char bytes[16];
};

/* The address that accept4(2) gave. */
struct peer_address peer_address_of(const struct sockaddr_storage *address);

bool peer_address_equal(struct peer_address a, struct peer_address b);

/* Reads "192.0.2.7" or "2001:db8::7"; false if TEXT is neither. */
bool peer_address_read(struct span text, struct peer_address *peer);

/* Writes it as people write it, into TEXT, PEER_ADDRESS_TEXT_SIZE bytes. */
void peer_address_write(struct peer_address peer, char *text);

#endif
