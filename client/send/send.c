#include "client/send/send.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client/connection/exchange.h"
#include "client/terminal/output.h"
#include "shared/base/log.h"
#include "shared/text/text.h"

/* For a program: the bytes are its own affair. */
static void print_raw(struct span line)
{
	fwrite(line.text, 1, line.length, stdout);
	putchar('\n');
}

static void print_clean(struct span line)
{
	char clean[CONNECTION_LINE_MAX * TEXT_GROWTH];
	size_t length = text_clean(line.text, line.length, clean);

	fwrite(clean, 1, length, stdout);
	putchar('\n');
}

int send_run(const struct server_address *usual, int argc, char **argv)
{
	static struct connection connection;
	struct server_address address = *usual;

	int first = server_address_read(
		&address, argc, argv, "[LINE...]",
		"Sends the lines, or those of stdin, and prints what the server says; exit "
		"status 1 if any answer starts with '-'. A line that starts with '-' comes after "
		"'--'.");
	connection_open_or_die(&connection, &address);
	const struct exchange exchange = { .connection = &connection,
					   .lines = first < argc ? argv + first : NULL,
					   .line_count = argc - first,
					   .descriptor = STDIN_FILENO,
					   .farewell = "",
					   .show = isatty(STDOUT_FILENO) ? print_clean
									 : print_raw };
	struct exchange_result result = exchange_run(&exchange);
	connection_close(&connection);
	output_flush_or_die();
	if (!(result.ended || result.bye) || result.done + result.refused < result.commands) {
		die("the connection ended before everything was answered");
	}
	return result.refused == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
