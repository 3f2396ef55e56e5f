/* Lines of a session, from its socket to its socket, in one worker without a master. */
#include "server/lines/input.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/chat/chat.h"
#include "server/lines/lines.h"
#include "server/process/core.h"

#define SEATS    4
#define OUT_SIZE (256 * 1024)

static struct options options = {
	.workers = 1, .max_connections = SEATS, .history = 200, .send_queue_bytes = 1 << 20
};
static struct shared_state shared;
static struct core core;
static int ann, bob; /* the clients' ends */

static int open_session(void)
{
	int ends[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	session_open(&core.turn, &lines_front, ends[0], (struct peer_address){ { 0 } });
	return ends[1];
}

/* What CLIENT sends is read and carried out, and nothing of the turn that would come after. */
static void send_in(int client, const char *text)
{
	cr_assert_eq(write(client, text, strlen(text)), (ssize_t)strlen(text));
	(void)event_base_loop(core.turn.base, EVLOOP_NONBLOCK);
}

static const char *get_out(int client)
{
	static char out[OUT_SIZE];

	sessions_flush(&core.turn, chat_leave_all);
	ssize_t length = read(client, out, sizeof(out) - 1);
	out[length > 0 ? length : 0] = '\0';
	return out;
}

static void init(void)
{
	shared_state_init(&shared, &options);
	core_init(&core, &shared, 0);
	core.turn.base = event_base_new();
	ann = open_session();
	bob = open_session();
	send_in(ann, "/nick ann\n/join #r\n");
	send_in(bob, "/nick bob\n/join #r\n");
	chat_turn(&core.turn);
	(void)get_out(ann);
	(void)get_out(bob);
}

static void finish(void)
{
	close(ann);
	close(bob);
	(void)event_base_loop(core.turn.base, EVLOOP_NONBLOCK);
	sessions_flush(&core.turn, chat_leave_all);
	event_base_free(core.turn.base);
	core_finish(&core);
}

TestSuite(input, .init = init, .fini = finish);

Test(input, lines_that_come_together_are_answered_in_their_order)
{
	send_in(ann, "/ping 1\n/nonsense\n/ping 2\n\n/part #q\n/ping 3\n");
	cr_expect_str_eq(get_out(ann), "+pong 1\n"
				       "-BADCMD no such command; /help lists them\n"
				       "+pong 2\n"
				       "-NOROOM you are not in that room; /join it first\n"
				       "+pong 3\n");
	cr_expect_eq(shared.scoreboard->scores[0].counters[COUNTER_ERRORS], 2);
}

/* Leaving delivers what is still to be heard: after the replies before it, and before its own. */
Test(input, what_a_command_brings_stands_between_the_replies_before_it_and_its_own)
{
	send_in(bob, "hello\n");
	send_in(ann, "/ping 1\n/ping 2\n/part\n/ping 3\n");
	cr_expect_str_eq(get_out(ann), "+pong 1\n"
				       "+pong 2\n"
				       "*say #r bob hello\n"
				       "+part #r\n"
				       "+pong 3\n");
}

Test(input, what_ends_the_connection_is_sent_after_all_replies)
{
	send_in(ann, "/ping 1\n/quit\n/ping 2\n");
	cr_expect_str_eq(get_out(ann), "+pong 1\n+bye\n");
	cr_expect_eq(read(ann, (char[1]){ 0 }, 1), 0, "it ends");
}

Test(input, a_line_that_finds_a_lock_taken_is_carried_out_later_with_all_that_follow_it)
{
	cr_assert(directory_try(shared.directory));
	send_in(ann, "/ping 1\n/join #s\n/ping 2\n/ping 3\n");
	cr_expect_str_eq(get_out(ann), "+pong 1\n");
	sessions_retry_waiting(&core.turn);
	cr_expect_str_eq(get_out(ann), "", "the lock is taken still");
	directory_unlock(shared.directory);
	sessions_retry_waiting(&core.turn);
	cr_expect_str_eq(get_out(ann), "+join #s 1\n+pong 2\n+pong 3\n");
}

/* However much is asked for at once: replies do not pile up until the last is there. */
Test(input, long_replies_are_handed_on_before_the_last_line_is_read)
{
	char line[1010];
	char many[64 * 9 + 1] = "";

	memset(line, 'x', sizeof(line));
	line[1000] = '\n';
	line[1001] = '\0';
	for (int i = 0; i < 100; i++) {
		send_in(bob, line);
	}
	for (int i = 0; i < 64; i++) {
		strcat(many, "/history\n");
	}
	send_in(ann, many); /* 6 MiB in all, of which the queue takes one */
	cr_expect_leq(core.turn.sessions->reply.room, OUT_SIZE);
	cr_expect_eq(shared.scoreboard->scores[0].counters[COUNTER_CUT_OFF], 1);
}
