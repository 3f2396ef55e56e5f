/*
 * interactive: a session for a person at a terminal: carries what is typed to the server and what
 * comes from it to the screen, and connects again when the connection is lost.
 */
#ifndef CLIENT_CHAT_INTERACTIVE_H
#define CLIENT_CHAT_INTERACTIVE_H

#include "client/options/server_address.h"

/* Runs until the user leaves; returns the exit status. Dies if there is no server at first. */
int interactive_run(const struct server_address *address);

#endif
