/* Who may come in: the same for each kind of listener. */
#include "server/session/gate.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/chat/chat.h"
#include "server/echo/echo.h"
#include "server/lines/lines.h"
#include "server/process/core.h"
#include "server/session/session.h"
#include "shared/base/clock.h"

#define PEERS 8

static struct options options = { .workers = 1,
				  .max_connections = PEERS,
				  .history = 10,
				  .send_queue_bytes = 1 << 20,
				  .max_per_address = 2 };
static struct shared_state shared;
static struct core core;
static int ends[2 * PEERS];
static int opened;

static void init(void)
{
	shared_state_init(&shared, &options);
	core_init(&core, &shared, 0);
	core.turn.base = event_base_new();
	opened = 0;
}

static void turn(void)
{
	(void)event_base_loop(core.turn.base, EVLOOP_NONBLOCK);
	core_turn(&core);
}

static void finish(void)
{
	while (opened > 0) {
		close(ends[--opened]);
	}
	turn();
	turn();
	cr_expect_eq(core.turn.sessions->count, 0);
	event_base_free(core.turn.base);
	core_finish(&core);
}

TestSuite(gate, .init = init, .fini = finish);

/* The peer's end of a new session from the address; what it is sent first goes to TEXT. */
static int enter_from(const struct front *front, const char *address, char text[256])
{
	struct peer_address peer;
	int pair[2];

	cr_assert(peer_address_read(span_of(address), &peer));
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	(void)session_open(&core.turn, front,
			   &(struct session_socket){ .descriptor = pair[0], .peer = peer });
	turn();
	ends[opened++] = pair[1];
	ssize_t length = read(pair[1], text, 255);
	text[length > 0 ? length : 0] = '\0';
	return pair[1];
}

static bool gets_echo(int end)
{
	char back = 0;

	(void)!write(end, "x", 1);
	turn();
	return read(end, &back, 1) == 1;
}

static bool is_over(int end)
{
	char byte;

	return read(end, &byte, 1) == 0;
}

Test(gate, an_address_has_so_many_connections_of_all_kinds_together)
{
	char text[256];

	(void)enter_from(&lines_front, "192.0.2.7", text);
	cr_expect(gets_echo(enter_from(&echo_front, "192.0.2.7", text)));
	cr_expect(is_over(enter_from(&echo_front, "192.0.2.7", text)), "echo says nothing");
	cr_expect_str_eq(text, "");
	(void)enter_from(&lines_front, "192.0.2.7", text);
	cr_expect_eq(strncmp(text, "-BUSY ", 6), 0, "%s", text);
	cr_expect(gets_echo(enter_from(&echo_front, "192.0.2.8", text)));
}

Test(gate, all_addresses_of_a_64_are_one)
{
	char text[256];

	cr_expect(gets_echo(enter_from(&echo_front, "2001:db8::1", text)));
	cr_expect(gets_echo(enter_from(&echo_front, "2001:db8::2", text)));
	cr_expect(is_over(enter_from(&echo_front, "2001:db8::ffff:3", text)));
	cr_expect(gets_echo(enter_from(&echo_front, "2001:db8:0:1::1", text)));
}

Test(gate, who_leaves_makes_room)
{
	char text[256];

	(void)enter_from(&echo_front, "192.0.2.7", text);
	(void)enter_from(&echo_front, "192.0.2.7", text);
	close(ends[--opened]);
	turn();
	cr_expect(gets_echo(enter_from(&echo_front, "192.0.2.7", text)));
	cr_expect(is_over(enter_from(&echo_front, "192.0.2.7", text)));
}

Test(gate, the_banned_do_not_come_in_by_another_door)
{
	struct peer_network network;
	int64_t now_ns = clock_deadlines_ns();
	char text[256];

	cr_assert(peer_network_read(span_of("192.0.2.0/24"), &network));
	cr_assert(directory_try(shared.directory));
	cr_assert(admission_ban(shared.directory->admission, network, now_ns + 100 * NS_PER_SECOND,
				now_ns));
	directory_unlock(shared.directory);
	cr_expect(is_over(enter_from(&echo_front, "192.0.2.7", text)));
	cr_expect_str_eq(text, "");
	(void)enter_from(&lines_front, "192.0.2.7", text);
	cr_expect_eq(strncmp(text, "-DENIED ", 8), 0, "%s", text);
	cr_expect(gets_echo(enter_from(&echo_front, "192.0.3.7", text)));
}

static bool count_nick(void *context, const char *nick)
{
	cr_expect_str_eq(nick, "guest-1");
	++*(unsigned *)context;
	return true;
}

Test(gate, who_has_no_nick_is_not_among_those_that_are_listed)
{
	struct chat_listing listing = { .begun = false };
	unsigned seen = 0;
	char text[256];

	(void)enter_from(&echo_front, "192.0.2.7", text);
	(void)enter_from(&lines_front, "192.0.2.7", text);
	cr_expect(chat_each_nick(&core.turn, ROOM_NONE, &listing, count_nick, &seen));
	cr_expect_eq(seen, 1);
}

Test(gate, who_is_refused_again_and_again_does_not_take_the_places_of_others)
{
	char text[256];

	(void)enter_from(&lines_front, "192.0.2.7", text);
	(void)enter_from(&lines_front, "192.0.2.7", text);
	for (int i = 0; i < PEERS; i++) { /* none of them closes */
		(void)enter_from(&lines_front, "192.0.2.7", text);
		cr_expect_eq(strncmp(text, "-BUSY ", 6), 0, "%s", text);
	}
	cr_expect(gets_echo(enter_from(&echo_front, "192.0.2.8", text)));
}
