/*
 * place: where the server is, as --host and --port say it, before the subcommand or behind it.
 *
 * Their argp is a child of each command line that takes them; its input is the place that they
 * change.
 */
#ifndef CLIENT_CONNECTION_PLACE_H
#define CLIENT_CONNECTION_PLACE_H

#include <argp.h>

struct server_place {
	const char *host; /* whoever gave it keeps it */
	const char *port;
};

extern const struct argp place_argp;

/* From $TURNSTILE_HOST and $TURNSTILE_PORT, or else this machine's usual port. */
struct server_place place_usual(void);

#endif
