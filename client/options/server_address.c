#include "client/options/server_address.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/usage.h"

#define SCHEME     "tls://"
#define LINES_PORT "7000"
#define TLS_PORT   "7443"

enum { KEY_HOST = 'h', KEY_PORT = 'p', KEY_TLS = 0x100, KEY_CA };

const char *server_address_port(const struct server_address *address)
{
	return address->port ? address->port : address->tls ? TLS_PORT : LINES_PORT;
}

/* HOST, HOST:PORT, or an IPv6 address in brackets. What TEXT points to is changed. */
static void split(struct server_address *address, char *text)
{
	char *end = text[0] == '[' ? strchr(text, ']') : NULL;
	char *colon = strchr(end ? end : text, ':');

	if (colon) {
		*colon = '\0';
		address->port = colon + 1;
	}
	if (end) {
		*end = '\0';
		text++;
	}
	address->host = text;
}

/* Of several colons without brackets none is a port's: that is an IPv6 address. */
static bool names_port(const char *host)
{
	const char *colon = strchr(host, ':');

	return host[0] == '[' || (colon && !strchr(colon + 1, ':'));
}

/* Its parts are cut out where it stands. */
static void set_host(struct server_address *address, char *host)
{
	if (strncmp(host, SCHEME, strlen(SCHEME)) != 0) {
		address->host = host;
		if (names_port(host)) {
			split(address, host);
		}
		return;
	}
	if (host[strlen(SCHEME)] == '\0') {
		usage_error("%s: must be tls://HOST or tls://HOST:PORT", host);
	}
	address->tls = true;
	split(address, host + strlen(SCHEME));
}

/* All but --host, which is one or several. */
static error_t parse_beside(int key, char *argument, struct argp_state *state)
{
	struct server_address *address = state->input;

	switch (key) {
	case KEY_PORT: address->port = argument; return 0;
	case KEY_TLS: address->tls = true; return 0;
	case KEY_CA:
		address->ca = argument;
		address->tls = true;
		return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option options_beside[] = {
	{ "port", KEY_PORT, "PORT", 0, "Its lines port (7000, with TLS 7443, or $TURNSTILE_PORT)",
	  0 },
	{ "tls", KEY_TLS, NULL, 0, "Speak TLS, and verify the server's certificate and name", 0 },
	{ "ca", KEY_CA, "FILE", 0,
	  "Trust the certificates in FILE (PEM), not the system's; with TLS", 0 },
	{ 0 },
};
static const struct argp argp_beside = { .options = options_beside, .parser = parse_beside };
static const struct argp_child beside[] = { { &argp_beside, 0, NULL, 0 }, { 0 } };

static error_t parse(int key, char *argument, struct argp_state *state)
{
	switch (key) {
	case ARGP_KEY_INIT: state->child_inputs[0] = state->input; return 0;
	case KEY_HOST: set_host(state->input, argument); return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option options[] = {
	{ "host", KEY_HOST, "HOST", 0,
	  "The server's host (127.0.0.1, or $TURNSTILE_HOST), or HOST:PORT; tls://HOST[:PORT] is "
	  "--tls, too",
	  0 },
	{ 0 },
};

const struct argp server_address_argp = { .options = options, .parser = parse, .children = beside };

/* Several */

static void add_host(struct server_addresses *addresses, char *host)
{
	if (addresses->count == SERVER_ADDRESSES_MAX) {
		usage_error("%s: %d servers are the most", host, SERVER_ADDRESSES_MAX);
	}
	struct server_address *address = &addresses->each[addresses->count++];
	*address = (struct server_address){ .host = NULL };
	set_host(address, host);
}

/* What was said of all, wherever on the line, holds for each. */
static void settle(struct server_addresses *addresses)
{
	const struct server_address *usual = &addresses->usual;

	if (addresses->count == 0) {
		addresses->each[addresses->count++] = *usual;
	}
	for (unsigned i = 0; i < addresses->count; i++) {
		struct server_address *address = &addresses->each[i];
		address->port = address->port ? address->port : usual->port;
		address->tls |= usual->tls;
		address->ca = usual->ca;
	}
}

static error_t parse_several(int key, char *argument, struct argp_state *state)
{
	struct server_addresses *addresses = state->input;

	switch (key) {
	case ARGP_KEY_INIT: state->child_inputs[0] = &addresses->usual; return 0;
	case KEY_HOST: add_host(addresses, argument); return 0;
	case ARGP_KEY_END: settle(addresses); return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option several_options[] = {
	{ "host", KEY_HOST, "HOST", 0,
	  "The server's host (127.0.0.1, or $TURNSTILE_HOST), or HOST:PORT; tls://HOST[:PORT] is "
	  "--tls, too; may be repeated: several servers that sell from one store",
	  0 },
	{ 0 },
};

const struct argp server_addresses_argp = { .options = several_options,
					    .parser = parse_several,
					    .children = beside };

static char *setting(const char *variable)
{
	char *value = getenv(variable);

	return value && value[0] != '\0' ? value : NULL;
}

struct server_address server_address_default(void)
{
	struct server_address address = { .host = "127.0.0.1", .port = setting("TURNSTILE_PORT") };
	char *host = setting("TURNSTILE_HOST");

	if (host) {
		set_host(&address, host);
	}
	return address;
}

struct reading {
	struct server_address *address;
	bool takes_arguments;
	int rest;
};

static error_t parse_line(int key, char *argument, struct argp_state *state)
{
	struct reading *reading = state->input;

	(void)argument;
	if (key == ARGP_KEY_INIT) {
		state->child_inputs[0] = reading->address;
		return 0;
	}
	if (key == ARGP_KEY_ARG && reading->takes_arguments) {
		return ARGP_ERR_UNKNOWN; /* and so all of them come at once */
	}
	if (key == ARGP_KEY_ARGS) {
		reading->rest = state->next;
		return 0;
	}
	return usage_parse(key, state);
}

int server_address_read(struct server_address *address, int argc, char **argv,
			const char *arguments, const char *doc)
{
	static const struct argp_option only[] = { USAGE_OPTION_HELP, USAGE_OPTION_VERSION, { 0 } };
	static const struct argp_child children[] = { { &server_address_argp, 0, NULL, 0 }, { 0 } };
	const struct argp argp = { .options = only,
				   .parser = parse_line,
				   .args_doc = arguments,
				   .doc = doc,
				   .children = children };
	struct reading reading = { address, arguments != NULL, argc };

	argp_parse(&argp, argc, argv, USAGE_ARGP_FLAGS | ARGP_IN_ORDER, NULL, &reading);
	return reading.rest;
}
