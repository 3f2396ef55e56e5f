/*
 * address: where the server is, as --host and --port say it, before the subcommand or behind it.
 *
 * Their argp is a child of each command line that takes them; its input is the address that they
 * change.
 */
#ifndef CLIENT_OPTIONS_SERVER_ADDRESS_H
#define CLIENT_OPTIONS_SERVER_ADDRESS_H

#include <argp.h>

struct server_address {
	const char *host; /* whoever gave it keeps it */
	const char *port;
};

extern const struct argp server_address_argp;

/* From $TURNSTILE_HOST and $TURNSTILE_PORT, or else this machine's usual port. */
struct server_address server_address_default(void);

#endif
