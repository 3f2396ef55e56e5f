#include "client/options/server_address.h"

#include <stdbool.h>
#include <stdlib.h>

#include "shared/base/usage.h"

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
