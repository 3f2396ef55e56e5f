/*
 * rush: `turnstile rush`: many buyers at once against a running server, and no ticket sold twice.
 */
#ifndef CLIENT_RUSH_RUSH_H
#define CLIENT_RUSH_RUSH_H

#include "client/options/server_address.h"

/* Its command line, which may say another ADDRESS. Returns the exit status. */
int rush_run(const struct server_address *address, int argc, char **argv);

#endif
