/*
 * proxy_header: what a proxy says before a connection's first byte: from where the peer really
 * comes. HAProxy's PROXY protocol, versions 1 (a line) and 2 (binary).
 *
 * It is read from pieces, however they are cut, into a fixed space: nothing is allocated and
 * nothing waited for. Only connections from where --trust-proxy says are read with it, since
 * anybody could say anything in one.
 */
#ifndef SERVER_SESSION_PROXY_HEADER_H
#define SERVER_SESSION_PROXY_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/config/peer_address.h"

#define PROXY_LINE_MAX 107  /* bytes of version 1, its CR LF counted in */
#define PROXY_BODY_MAX 4096 /* bytes of version 2 behind its first 16; more is refused */

enum proxy_result {
	PROXY_MORE,  /* so far it is one: more has to come */
	PROXY_WHOLE, /* what follows is the peer's own */
	PROXY_BAD    /* it is none */
};

/* All zero at its start. */
struct proxy_header {
	bool names_peer; /* false: LOCAL or UNKNOWN: the connection's own address stands */
	struct peer_address peer;
	uint16_t length; /* bytes taken so far; of version 2 those that are kept */
	uint16_t skip;   /* version 2: bytes still to come that say nothing to us */
	char bytes[PROXY_LINE_MAX];
};

/*
 * Takes what of BYTES belongs to the header, USED of them: LENGTH while it is not whole. Once it is
 * whole or bad it is not to be read on.
 */
enum proxy_result proxy_header_read(struct proxy_header *header, const char *bytes, size_t length,
				    size_t *used);

#endif
