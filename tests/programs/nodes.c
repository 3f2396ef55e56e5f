#include "tests/programs/nodes.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "tests/programs/office.h"

struct nats nats;
struct turnstiled a, b;

void nodes_init(void)
{
	if (!nats_init(&nats)) {
		cr_skip_test("no nats-server is installed");
	}
	turnstiled_init(&a, TURNSTILED);
	turnstiled_init(&b, TURNSTILED);
}

void nodes_finish(void)
{
	turnstiled_finish(&a);
	turnstiled_finish(&b);
	nats_finish(&nats);
}

void nodes_start(struct turnstiled *server, const char *node)
{
	turnstiled_start(server, "--workers", "2", "--node", node, "--bus", nats_url(&nats),
			 "--op-password-file", password_file(server));
}

void nodes_enter(struct talk *talk, const struct turnstiled *server, const char *nick,
		 const char *room)
{
	talk_open_greeted(talk, server->lines_port);
	ask(talk, text_of("+nick %s$", nick), "/nick %s", nick);
	ask(talk, text_of("+join %s", room), "/join %s", room);
}

pid_t nodes_bus_of(struct talk *talk)
{
	int pid = 0;

	talk_say(talk, "/workers");
	for (const char *line = ""; line[0] != '+';) {
		line = talk_line(talk);
		(void)sscanf(line, "=bus %d", &pid);
	}
	return pid;
}
