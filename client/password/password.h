/*
 * password: the subcommand that makes a password, and prints what belongs into the server's file.
 */
#ifndef CLIENT_PASSWORD_PASSWORD_H
#define CLIENT_PASSWORD_PASSWORD_H

#include "client/options/server_address.h"

/* Asks twice on a terminal, else reads one line. The exit status. */
int password_run(const struct server_address *usual, int argc, char **argv);

#endif
