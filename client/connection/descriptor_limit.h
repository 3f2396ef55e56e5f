/*
 * descriptor_limit: how many connections a process may have open.
 */
#ifndef CLIENT_CONNECTION_DESCRIPTOR_LIMIT_H
#define CLIENT_CONNECTION_DESCRIPTOR_LIMIT_H

#include "client/options/server_address.h"

/* Raises the limit to what COUNT connections to SERVER need, or ends the program. */
void descriptor_limit_raise(unsigned count, const struct server_address *server);

#endif
