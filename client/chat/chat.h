/*
 * chat: `turnstile chat`: a session for a person, on a terminal or without one.
 */
#ifndef CLIENT_CHAT_CHAT_H
#define CLIENT_CHAT_CHAT_H

#include "client/options/server_address.h"

/* Its command line, which may say another ADDRESS. Returns the exit status. */
int chat_run(const struct server_address *address, int argc, char **argv);

#endif
