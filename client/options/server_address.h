/*
 * server_address: where the server is, as --host and --port say it, before the subcommand or behind
 * it, and whether it is spoken to through TLS (--tls, --ca, or a host written tls://HOST[:PORT]).
 * Who speaks to several servers takes several of them.
 *
 * Their argp is a child of each command line that takes them; its input is the address that they
 * change.
 */
#ifndef CLIENT_OPTIONS_SERVER_ADDRESS_H
#define CLIENT_OPTIONS_SERVER_ADDRESS_H

#include <argp.h>
#include <stdbool.h>

struct server_address {
	const char *host; /* whoever gave it keeps it */
	const char *port; /* NULL: the usual one (server_address_port) */
	bool tls;
	const char *ca; /* a file of certificates to believe; NULL: the system's */
};

/* Its port, the usual one if none was given. */
const char *server_address_port(const struct server_address *address);

extern const struct argp server_address_argp;

#define SERVER_ADDRESSES_MAX 16

/*
 * Of several servers: --host may be repeated, each with or without a port of its own, and the first
 * takes the place of the one there was. What --port, --tls and --ca say holds for all of them. The
 * input is `usual`, set, and nothing else; afterwards `count` is at least one.
 */
struct server_addresses {
	struct server_address usual;
	unsigned count;
	struct server_address each[SERVER_ADDRESSES_MAX];
};

extern const struct argp server_addresses_argp;

/* From $TURNSTILE_HOST and $TURNSTILE_PORT, or else this machine's usual port. */
struct server_address server_address_default(void);

/*
 * The command line of who has no other options. ARGUMENTS and DOC are for the help; returns where
 * in ARGV the arguments begin, ARGC if there are none. With ARGUMENTS NULL there must not be any.
 */
int server_address_read(struct server_address *address, int argc, char **argv,
			const char *arguments, const char *doc);

#endif
