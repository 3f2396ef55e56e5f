#include "client/chat/chat.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client/chat/interactive.h"
#include "client/chat/render.h"
#include "client/chat/screen.h"
#include "client/connection/exchange.h"
#include "shared/base/log.h"

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

	connection_open_or_die(&connection, address);
	printf("Connected to %s port %s. /help lists the commands, /quit leaves.\n", address->host,
	       server_address_port(address));
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

	server_address_read(
		&address, argc, argv, NULL,
		"Talks to the server until /quit or the end of the input. What starts "
		"with '/' is a command (/help lists them); anything else is said in the "
		"current room.");
	return screen_possible() ? interactive_run(&address) : run_plainly(&address);
}
