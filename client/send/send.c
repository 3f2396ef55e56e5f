#include "client/send/send.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client/connection/exchange.h"
#include "client/terminal/output.h"
#include "shared/base/log.h"
#include "shared/base/usage.h"
#include "shared/text/text.h"

struct arguments {
	struct server_address address;
	char **lines; /* NULL: those of stdin */
	int count;
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	(void)argument;
	if (key == ARGP_KEY_INIT) {
		state->child_inputs[0] = &arguments->address;
		return 0;
	}
	if (key == ARGP_KEY_ARG) {
		return ARGP_ERR_UNKNOWN; /* and so all of them come at once */
	}
	if (key != ARGP_KEY_ARGS) {
		return usage_parse(key, state);
	}
	arguments->lines = state->argv + state->next;
	arguments->count = state->argc - state->next;
	return 0;
}

static void read_arguments(struct arguments *arguments, int argc, char **argv)
{
	static const struct argp_option options[] = { USAGE_OPTION_HELP,
						      USAGE_OPTION_VERSION,
						      { 0 } };
	static const struct argp_child children[] = { { &server_address_argp, 0, NULL, 0 }, { 0 } };
	const struct argp argp = { .options = options,
				   .parser = parse,
				   .args_doc = "[LINE...]",
				   .doc = "Sends the lines, or those of stdin, and prints what the "
					  "server says; exit status 1 if any answer starts with "
					  "'-'. A line that starts with '-' comes after '--'.",
				   .children = children };

	argp_parse(&argp, argc, argv, USAGE_ARGP_FLAGS | ARGP_IN_ORDER, NULL, arguments);
}

static void print_line(struct span line)
{
	char clean[CONNECTION_LINE_MAX * TEXT_GROWTH];
	size_t length = text_clean(line.text, line.length, clean);

	fwrite(clean, 1, length, stdout);
	putchar('\n');
}

int send_run(const struct server_address *address, int argc, char **argv)
{
	static struct connection connection;
	char problem[CONNECTION_PROBLEM_SIZE];
	struct arguments arguments = { .address = *address };

	read_arguments(&arguments, argc, argv);
	if (!connection_open(&connection, &arguments.address, problem)) {
		die("%s", problem);
	}
	const struct exchange exchange = { .connection = &connection,
					   .lines = arguments.lines,
					   .line_count = arguments.count,
					   .descriptor = STDIN_FILENO,
					   .farewell = "",
					   .show = print_line };
	struct exchange_result result = exchange_run(&exchange);
	connection_close(&connection);
	output_flush_or_die();
	if (!(result.ended || result.bye) || result.done + result.refused < result.commands) {
		die("the connection ended before everything was answered");
	}
	return result.refused == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
