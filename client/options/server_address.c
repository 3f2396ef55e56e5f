#include "client/options/server_address.h"

#include <stdlib.h>

enum { KEY_HOST = 'h', KEY_PORT = 'p' };

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct server_address *address = state->input;

	switch (key) {
	case KEY_HOST: address->host = argument; return 0;
	case KEY_PORT: address->port = argument; return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option options[] = {
	{ "host", KEY_HOST, "HOST", 0, "The server's host (127.0.0.1, or $TURNSTILE_HOST)", 0 },
	{ "port", KEY_PORT, "PORT", 0, "Its lines port (7000, or $TURNSTILE_PORT)", 0 },
	{ 0 },
};

const struct argp server_address_argp = { .options = options, .parser = parse };

static const char *setting(const char *variable, const char *otherwise)
{
	const char *value = getenv(variable);

	return value && value[0] != '\0' ? value : otherwise;
}

struct server_address server_address_default(void)
{
	return (struct server_address){ .host = setting("TURNSTILE_HOST", "127.0.0.1"),
					.port = setting("TURNSTILE_PORT", "7000") };
}
