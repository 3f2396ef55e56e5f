/*
 * send: `turnstile send`: lines out, answers in, as they are: for scripts and pipes.
 */
#ifndef CLIENT_SEND_SEND_H
#define CLIENT_SEND_SEND_H

#include "client/options/server_address.h"

/* Its command line, which may say another ADDRESS. Returns the exit status. */
int send_run(const struct server_address *address, int argc, char **argv);

#endif
