/*
 * subcommand: what stands behind `turnstile NAME`: one row each in main.c's table.
 */
#ifndef CLIENT_CONNECTION_SUBCOMMAND_H
#define CLIENT_CONNECTION_SUBCOMMAND_H

#include "client/options/server_address.h"

struct subcommand {
	const char *name;
	const char *arguments; /* as the help shows them */
	const char *help;
	/*
	 * Its own command line, argv[0] being "turnstile NAME"; those that talk to the server may
	 * be told there, too, where it is. Returns the exit status.
	 */
	int (*run)(const struct server_address *address, int argc, char **argv);
};

int chat_run(const struct server_address *address, int argc, char **argv);
int send_run(const struct server_address *address, int argc, char **argv);
int rush_run(const struct server_address *address, int argc, char **argv);
int race_run(const struct server_address *address, int argc, char **argv);
int store_run(const struct server_address *address, int argc, char **argv);
int lab_run(const struct server_address *address, int argc, char **argv);
int bench_run(const struct server_address *address, int argc, char **argv);

#endif
