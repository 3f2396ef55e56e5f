#include "client/chat/chat.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client/chat/interactive.h"
#include "client/chat/render.h"
#include "client/chat/screen.h"
#include "client/connection/exchange.h"
#include "shared/base/log.h"
#include "shared/base/usage.h"

static error_t parse(int key, char *argument, struct argp_state *state)
{
	(void)argument;
	if (key == ARGP_KEY_INIT) {
		state->child_inputs[0] = state->input;
		return 0;
	}
	return usage_parse(key, state);
}

static void read_arguments(struct server_address *address, int argc, char **argv)
{
	static const struct argp_option options[] = { USAGE_OPTION_HELP,
						      USAGE_OPTION_VERSION,
						      { 0 } };
	static const struct argp_child children[] = { { &server_address_argp, 0, NULL, 0 }, { 0 } };
	const struct argp argp = { .options = options,
				   .parser = parse,
				   .doc = "Talks to the server until /quit or the end of the "
					  "input. What starts with '/' is a command (/help lists "
					  "them); anything else is said in the current room.",
				   .children = children };

	argp_parse(&argp, argc, argv, USAGE_ARGP_FLAGS, NULL, address);
}

static void show_line(struct span line)
{
	char shown[RENDER_SIZE];
	size_t length = render_line(line, shown);

	fwrite(shown, 1, length, stdout);
	putchar('\n');
}

/* Without a terminal, or with one that can do nothing: lines in, lines out. */
static int run_plainly(const struct server_address *address)
{
	static struct connection connection;
	char problem[CONNECTION_PROBLEM_SIZE];

	if (!connection_open(&connection, address, problem)) {
		die("%s", problem);
	}
	printf("Connected to %s port %s. /help lists the commands, /quit leaves.\n", address->host,
	       address->port);
	fflush(stdout);
	const struct exchange exchange = { .connection = &connection,
					   .descriptor = STDIN_FILENO,
					   .farewell = "/quit\n",
					   .show = show_line };
	struct exchange_result result = exchange_run(&exchange);
	connection_close(&connection);
	if (!result.ended && !result.bye) {
		die("the server closed the connection");
	}
	return EXIT_SUCCESS;
}

int chat_run(const struct server_address *usual, int argc, char **argv)
{
	struct server_address address = *usual;

	read_arguments(&address, argc, argv);
	return screen_possible() ? interactive_run(&address) : run_plainly(&address);
}
