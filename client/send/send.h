/*
 * send: `turnstile send`: lines out, answers in, for scripts and pipes: as they are, but on a
 * terminal cleaned (shared/text/text.h).
 */
#ifndef CLIENT_SEND_SEND_H
#define CLIENT_SEND_SEND_H

#include "client/options/server_address.h"

/* Its command line, which may say another ADDRESS. Returns the exit status. */
int send_run(const struct server_address *address, int argc, char **argv);

#endif
