/*
 * lab: `turnstile lab`: small experiments on processes, locks, queues and pools, to be seen and
 * read.
 */
#ifndef CLIENT_LAB_LAB_H
#define CLIENT_LAB_LAB_H

#include "client/options/server_address.h"

/* Its command line; the server is not asked. Returns the exit status. */
int lab_run(const struct server_address *address, int argc, char **argv);

#endif
