/*
 * origin: the network address that a connection comes from, as 16 bytes: an IPv6 address, or an
 * IPv4 one mapped into it (RFC 4291, 2.5.5.2). All zero: not known.
 */
#ifndef SERVER_CONFIG_PEER_ADDRESS_H
#define SERVER_CONFIG_PEER_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

#include "shared/text/words.h"

#define ORIGIN_TEXT_SIZE 64

struct origin {
	unsigned char bytes[16];
};

/* The origin that accept4(2) gave. */
struct origin origin_of(const struct sockaddr_storage *address);

bool origin_equal(struct origin a, struct origin b);

/* Reads "192.0.2.7" or "2001:db8::7"; false if TEXT is neither. */
bool origin_read(struct span text, struct origin *origin);

/* Writes it as people write it, into TEXT, ORIGIN_TEXT_SIZE bytes. */
void origin_write(struct origin origin, char *text);

#endif
