/*
 * arrival: how a connection came, as whoever accepted it tells whoever serves it.
 */
#ifndef SERVER_CONFIG_ARRIVAL_H
#define SERVER_CONFIG_ARRIVAL_H

#include <stdint.h>

#include "server/config/peer_address.h"

/* One end of a TCP connection. */
struct endpoint {
	struct peer_address address; /* all zero: not known */
	uint16_t port;
};

struct arrival {
	struct peer_address peer; /* from where */
	struct endpoint own;      /* to where, if the socket itself does not know: through TLS */
	uint16_t kind;            /* enum listener_kind */
	int64_t before_ns;        /* monotonic: when it was not accepted yet */
	uint64_t plain; /* the number of a plain end (state/plain_ends.h); 0: it is none */
};

/* The end that SOCKET has here. */
struct endpoint endpoint_of(int socket);

#endif
