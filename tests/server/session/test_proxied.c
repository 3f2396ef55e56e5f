/* A connection through a trusted proxy, until it has said whose it is. */
#include <criterion/criterion.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/lines/lines.h"
#include "server/process/core.h"
#include "server/session/session.h"
#include "shared/base/clock.h"

#define HEADER_NS (10 * NS_PER_SECOND) /* docs/operations.md */
#define BEGIN_NS  (1000 * NS_PER_SECOND)

static struct options options = {
	.workers = 1, .max_connections = 8, .history = 10, .send_queue_bytes = 1 << 20
};
static struct shared_state shared;
static struct core core;
static int client;

static void init(void)
{
	int ends[2];

	shared_state_init(&shared, &options);
	core_init(&core, &shared, 0);
	core.turn.base = event_base_new();
	core.turn.now_ns = BEGIN_NS;
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	(void)session_open_proxied(&core.turn, &lines_front,
				   &(struct session_socket){ .descriptor = ends[0] });
	client = ends[1];
}

TestSuite(proxied, .init = init);

static void send_in(const char *text)
{
	cr_assert_eq(write(client, text, strlen(text)), (ssize_t)strlen(text));
	(void)event_base_loop(core.turn.base, EVLOOP_NONBLOCK);
	core_turn(&core);
}

static bool is_open_at(int64_t now_ns)
{
	core.turn.now_ns = now_ns;
	core_tick(&core);
	core_turn(&core);
	return core.turn.sessions->count == 1;
}

Test(proxied, its_header_has_ten_seconds_however_slowly_it_comes)
{
	send_in("PROXY ");
	cr_expect(is_open_at(BEGIN_NS + HEADER_NS / 2));
	send_in("TCP4 192.0.2.7 ");
	cr_expect(is_open_at(BEGIN_NS + HEADER_NS - 1));
	cr_expect_not(is_open_at(BEGIN_NS + HEADER_NS));
}

Test(proxied, once_it_is_whole_there_is_no_such_end)
{
	char greeting[256];

	send_in("PROXY TCP4 192.0.2.7 127.0.0.1 1 2\r\n");
	cr_expect_gt(read(client, greeting, sizeof(greeting)), 0);
	cr_expect(is_open_at(BEGIN_NS + 10 * HEADER_NS));
}

Test(proxied, nothing_is_said_to_it_before)
{
	char greeting[256];

	send_in("PROXY TCP4 192.0.2.7 127.0.0.1 1 2\r");
	cr_expect_lt(read(client, greeting, sizeof(greeting)), 0);
	send_in("\n");
	cr_expect_gt(read(client, greeting, sizeof(greeting)), 0);
}

Test(proxied, a_ban_where_the_proxy_is_does_not_end_who_comes_through_it)
{
	const struct message why = { .kind = MESSAGE_NOTICE, .text = span_of("banned") };
	struct peer_network everywhere = { .bits = 0 };

	sessions_end_from(&core.turn, everywhere, &why);
	core_turn(&core);
	cr_expect_eq(core.turn.sessions->count, 1);
	send_in("PROXY TCP4 192.0.2.7 127.0.0.1 1 2\r\n");
	sessions_end_from(&core.turn, everywhere, &why);
	core_turn(&core);
	cr_expect_neq(core.turn.sessions->table[0]->state, SESSION_OPEN);
}
