/*
 * store: `turnstile store`: what can be done with a store at rest, or beside the server that uses
 * it: prove its invariants, write out its bookings, carry it to another kind.
 *
 * Each of these takes the store's lock while it reads, so what it says is of one moment. It first
 * reads all of it and then prints: a slow reader of our output must not hold up sales.
 */
#ifndef CLIENT_STORE_STORE_H
#define CLIENT_STORE_STORE_H

#include "client/options/server_address.h"

/* Its command line; the server is not asked. Returns the exit status. */
int store_run(const struct server_address *address, int argc, char **argv);

#endif
