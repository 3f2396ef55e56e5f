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
#include "server/session/relief.h"

#define SEATS    4
#define OUT_SIZE (256 * 1024)
#define MANY     4000 /* lines at once */

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
	(void)session_open(&core.turn, &lines_front,
			   &(struct session_socket){ .descriptor = ends[0] });
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
	for (int turns = 0; turns < MANY && core.turn.sessions->count > 0; turns++) {
		(void)event_base_loop(core.turn.base, EVLOOP_NONBLOCK);
		sessions_retry_waiting(&core.turn); /* whose input waits is freed afterwards */
		sessions_flush(&core.turn, chat_leave_all);
	}
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
	send_in(ann, many); /* 6 MiB in all: no more is answered than is read */
	cr_expect_leq(core.turn.sessions->reply.room, OUT_SIZE);
	cr_expect_eq(shared.scoreboard->scores[0].counters[COUNTER_CUT_OFF], 0);
	cr_expect_lt(core.turn.sessions->queued_bytes, 1024 * 1024);
}

static unsigned count_lines(const char *text)
{
	unsigned count = 0;

	for (; (text = strchr(text, '\n')); text++) {
		count++;
	}
	return count;
}

static void repeat(char *text, size_t size, const char *line, int times)
{
	size_t length = strlen(line);

	cr_assert_lt(length * (size_t)times, size);
	for (int i = 0; i < times; i++) {
		memcpy(text + (size_t)i * length, line, length + 1);
	}
}

Test(input, who_asks_for_much_at_once_gets_a_share_of_each_turn_and_all_answers)
{
	static char many[MANY * 8];
	unsigned answered;
	int turns = 1;

	repeat(many, sizeof(many), "/ping\n", MANY);
	send_in(ann, many);
	answered = count_lines(get_out(ann));
	cr_expect_lt(answered, MANY / 4, "%u in one turn", answered);
	send_in(bob, "/ping\n");
	cr_expect_str_eq(get_out(bob), "+pong\n", "others have their turn in between");
	for (; answered < MANY && turns < MANY; turns++) {
		sessions_retry_waiting(&core.turn);
		answered += count_lines(get_out(ann));
	}
	cr_expect_eq(answered, MANY, "%u after %d turns", answered, turns);
}

Test(input, dear_commands_count_as_many_as_they_cost)
{
	static char many[60 * 8];

	options.rate = 100; /* a burst of 200, which is 10 times 20 */
	repeat(many, sizeof(many), "/who\n", 60);
	send_in(ann, many);
	cr_expect_eq(shared.scoreboard->scores[0].counters[COUNTER_ERRORS], 50);
	core.turn.sessions->table[1]->operator_role = true;
	send_in(bob, many);
	cr_expect_eq(shared.scoreboard->scores[0].counters[COUNTER_ERRORS], 50, "operators: none");
}

/* The socket takes some; then nothing more is carried out until the replies are read. */
Test(input, who_does_not_read_its_replies_is_not_read_from_until_it_does)
{
	static char many[MANY * 8];
	unsigned answered = 0;

	repeat(many, sizeof(many), "/help\n", MANY);
	send_in(ann, many);
	for (int turns = 0; turns < MANY; turns++) {
		sessions_retry_waiting(&core.turn);
		sessions_flush(&core.turn, chat_leave_all);
	}
	cr_expect_lt(shared.scoreboard->scores[0].counters[COUNTER_COMMANDS], MANY);
	cr_expect_lt(core.turn.sessions->queued_bytes, 1024 * 1024);
	for (int turns = 0; answered < MANY && turns < 100 * MANY; turns++) {
		(void)event_base_loop(core.turn.base, EVLOOP_NONBLOCK);
		sessions_retry_waiting(&core.turn);
		const char *out = get_out(ann);
		for (const char *at = out; (at = strstr(at, "+help ")); at++) {
			answered++;
		}
	}
	cr_expect_geq(answered, MANY - 200, "%u", answered); /* some are cut in two by the reads */
	cr_expect_eq(shared.scoreboard->scores[0].counters[COUNTER_CUT_OFF], 0);
}

Test(input, past_the_total_those_furthest_behind_are_cut_off)
{
	static char many[MANY * 8];

	repeat(many, sizeof(many), "/help\n", MANY);
	options.send_queue_total_bytes = 64 * 1024;
	send_in(ann, many);
	for (int turns = 0; turns < MANY; turns++) {
		sessions_retry_waiting(&core.turn);
		sessions_flush(&core.turn, chat_leave_all);
		relief_turn(&core.turn);
	}
	send_in(bob, "/ping\n");
	cr_expect_str_eq(get_out(bob), "+pong\n");
	cr_expect_eq(shared.scoreboard->scores[0].counters[COUNTER_CUT_OFF], 1);
	cr_expect_eq(core.turn.sessions->table[1]->state, SESSION_OPEN, "bob is not behind");
}
