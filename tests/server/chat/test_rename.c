/*
 * Who shares rooms with somebody hears of a new nick once, before all that is said under it: in one
 * worker without a process. What comes within one turn is delivered room by room.
 */
#include "server/chat/rename.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/lines/lines.h"
#include "server/process/core.h"
#include "server/state/rooms.h"
#include "shared/base/clock.h"
#include "shared/sync/latch.h"

#define CROWD    (ROOM_EVENTS_MOST + 1)
#define OUT_SIZE 65536

static struct options options = {
	.workers = 1, .max_connections = CROWD + 4, .history = 10, .send_queue_bytes = 1 << 20
};
static struct shared_state shared;
static struct core core;
static int ann, bob; /* the clients' ends */

/* Carried out, but the turn does not end. */
static void send_in(int client, const char *text)
{
	cr_assert_eq(write(client, text, strlen(text)), (ssize_t)strlen(text));
	(void)event_base_loop(core.turn.base, EVLOOP_NONBLOCK);
}

static const char *get_out(int client)
{
	static char out[OUT_SIZE];
	ssize_t length;

	for (int i = 0; i < 3; i++) { /* also what large rooms gather */
		core_turn(&core);
		clock_sleep(6 * NS_PER_MS);
		turn_forget_time(&core.turn);
	}
	core_turn(&core);
	length = read(client, out, sizeof(out) - 1);
	out[length > 0 ? length : 0] = '\0';
	return out;
}

static void expect(int client, const char *text)
{
	cr_expect_str_eq(get_out(client), text);
}

static int enter(const char *commands)
{
	int ends[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	(void)session_open(&core.turn, &lines_front,
			   &(struct session_socket){ .descriptor = ends[0] });
	send_in(ends[1], commands);
	return ends[1];
}

static void forget_all(void)
{
	(void)get_out(ann);
	(void)get_out(bob);
}

static void init(void)
{
	shared_state_init(&shared, &options);
	core_init(&core, &shared, 0);
	core.turn.base = event_base_new();
	ann = enter("/nick ann\n/join #a\n/join #b\n");
	bob = enter("/nick bob\n/join #a\n/join #b\n/join #bobs\n");
	forget_all();
}

static void finish(void)
{
	event_base_free(core.turn.base);
	core_finish(&core);
}

TestSuite(rename, .init = init, .fini = finish, .timeout = 60);

Test(rename, is_heard_before_what_is_said_under_it_in_another_room_and_once)
{
	send_in(ann, "/nick eve\n/say #a hello\n/say #b hello\n");
	expect(bob, "*nick ann eve\n*say #a eve hello\n*say #b eve hello\n");
	send_in(ann, "/join #a\n/nick ann\n/say #b hello\n/say #a hello\n");
	expect(bob, "*nick eve ann\n*say #a ann hello\n*say #b ann hello\n");
}

Test(rename, is_heard_before_what_is_told_under_it)
{
	send_in(ann, "/nick eve\n/tell bob hello\n");
	expect(bob, "*nick ann eve\n*tell eve hello\n");
}

Test(rename, is_heard_before_what_is_said_under_it_in_a_room_that_is_joined_then)
{
	int other = enter("/nick other\n/join #bobs\n");

	forget_all();
	(void)get_out(other);
	send_in(ann, "/nick eve\n/nick eva\n/join #bobs\n/say #bobs hello\n/say #b hello\n");
	expect(other, "*join #bobs eva\n*say #bobs eva hello\n");
	/*
	 * #bobs lies behind #b here, so that is asked for once more with a room that lies before.
	 */
	expect(bob, "*nick ann eve\n*nick eve eva\n*say #b eva hello\n*join #bobs eva\n"
		    "*say #bobs eva hello\n");
	send_in(ann, "/part #a\n");
	forget_all();
	send_in(ann, "/nick eve\n/nick ann\n/join #a\n/say #a hello\n");
	expect(bob, "*nick eva eve\n*nick eve ann\n*join #a ann\n*say #a ann hello\n");
}

Test(rename, is_heard_by_one_who_joins_then_before_what_is_said_in_the_room_joined)
{
	send_in(ann, "/part #a\n/join #a\n/join #0\n/join #1\n");
	send_in(bob, "/part #a\n");
	forget_all();
	send_in(ann, "/nick eve\n");
	send_in(bob, "/join #a\n");
	send_in(ann, "/say #a hello\n");
	expect(bob, "*nick ann eve\n+join #a 2\n*say #a eve hello\n");
}

static void fill(const char *room)
{
	char commands[64];

	snprintf(commands, sizeof(commands), "/join %s\n", room);
	for (int i = 0; i < CROWD; i++) {
		(void)enter(commands);
	}
	forget_all();
}

Test(rename, is_heard_before_what_is_said_in_a_room_where_nobody_is_told)
{
	fill("#a");
	send_in(ann, "/nick eve\n/say #a hello\n");
	expect(bob, "*nick ann eve\n*say #a eve hello\n");
}

Test(rename, is_not_heard_by_one_who_shares_a_large_room_alone)
{
	int other = enter("/nick other\n/join #a\n");

	fill("#a");
	(void)get_out(other);
	send_in(ann, "/nick eve\n/say #a hello\n/say #b hello\n");
	expect(other, "*say #a eve hello\n");
	expect(bob, "*nick ann eve\n*say #a eve hello\n*say #b eve hello\n");
}

/* Another process holds a room's lock: here a thread, which is another to the lock. */
struct holder {
	struct mutex *lock;
	struct latch held, enough;
};

static void *hold(void *argument)
{
	struct holder *holder = argument;

	cr_assert_eq(mutex_lock(holder->lock, NULL), MUTEX_TAKEN);
	latch_set(&holder->held);
	(void)latch_wait(&holder->enough, 30 * NS_PER_SECOND);
	mutex_unlock(holder->lock);
	return NULL;
}

Test(rename, that_waits_for_a_lock_has_what_is_said_under_it_wait_too)
{
	static struct holder holder;
	pthread_t thread;

	holder.lock = &shared.rooms->rooms[1].lock;
	cr_assert_str_eq(shared.rooms->rooms[1].name, "#b");
	cr_assert_eq(pthread_create(&thread, NULL, hold, &holder), 0);
	cr_assert(latch_wait(&holder.held, 30 * NS_PER_SECOND));
	send_in(ann, "/part #a\n/join #c\n/nick eve\n/tell bob hello\n");
	expect(bob, "*part #a ann\n");
	latch_set(&holder.enough);
	pthread_join(thread, NULL);
	expect(bob, "*nick ann eve\n*tell eve hello\n");
}
