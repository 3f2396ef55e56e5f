/*
 * dialer: opens a connection while the terminal is served: finding a host and waiting for its
 * answer can take minutes, so they happen on a thread of their own.
 */
#ifndef CLIENT_CONNECTION_DIALER_H
#define CLIENT_CONNECTION_DIALER_H

#include <stdbool.h>

#include "client/connection/connection.h"

struct dialer {
	int done; /* poll it: readable when dialer_take may be called; -1 when none is under way */
	struct dialer_call *call;
};

/* Starts to connect to PLACE (which must last); false when there is no thread or descriptor. */
bool dialer_start(struct dialer *dialer, const struct server_address *address);

/* Its outcome, as of connection_open. Waits for it if need be. */
bool dialer_take(struct dialer *dialer, struct connection *connection, char *problem);

#endif
