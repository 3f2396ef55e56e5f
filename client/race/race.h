/*
 * race: `turnstile race`: the same tickets to the same buyers, once for each way to put purchases
 * in a row.
 */
#ifndef CLIENT_RACE_RACE_H
#define CLIENT_RACE_RACE_H

#include "client/options/server_address.h"

/* Its command line; the server is not asked. Returns the exit status. */
int race_run(const struct server_address *address, int argc, char **argv);

#endif
