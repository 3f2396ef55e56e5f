/* What strangers do who mean no good, and that others go on meanwhile. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/programs/office.h"
#include "tests/programs/watch.h"
#include "tests/support/child.h"

#define ROOMS_AN_ADDRESS 128
#define GREEDY           8
#define ROOMS_A_GREEDY   32

static struct turnstiled server;
static struct talk ann;

static void init(void)
{
	turnstiled_init(&server, TURNSTILED);
}

static void finish(void)
{
	turnstiled_finish(&server);
}

TestSuite(programs_strangers, .init = init, .fini = finish, .timeout = 120);

/* Rooms */

/* Tries to be in as many rooms as one connection can; returns how many it came into. */
static int join_many(struct talk *talk, int first)
{
	int joined = 0;

	for (int i = 0; i < ROOMS_A_GREEDY; i++) {
		talk_say(talk, "/join #mine-%d", first + i);
	}
	for (int i = 0; i < ROOMS_A_GREEDY; i++) {
		const char *answer = talk_expect_answer(talk, "");

		joined += strncmp(answer, "+join ", 6) == 0;
		cr_assert(joined > i || strncmp(answer, "-LIMIT your address has ", 24) == 0, "%s",
			  answer);
	}
	return joined;
}

Test(programs_strangers, one_address_leaves_rooms_to_others)
{
	static struct talk greedy[GREEDY], bob;
	int joined = 0;

	turnstiled_start(&server, "--workers", "2", "--event", "rush=10", "--rate", "0");
	for (int i = 0; i < GREEDY; i++) {
		talk_open_from(&greedy[i], server.lines_port, "127.0.0.9");
		talk_expect_start(&greedy[i], "+turnstile 1 ");
		joined += join_many(&greedy[i], i * ROOMS_A_GREEDY);
	}
	cr_expect_eq(joined, ROOMS_AN_ADDRESS);
	for (int i = 0; i < 3000; i++) { /* leaving gives it a room, and no more than that */
		ask(&greedy[0], "+part ", "/part");
		ask(&greedy[0], "+join ", "/join #again-%d", i);
		ask(&greedy[GREEDY - 1], "-LIMIT your address has opened 128 rooms", "/join #more");
	}
	talk_open_from(&ann, server.lines_port, "127.0.0.10");
	talk_expect_start(&ann, "+turnstile 1 ");
	ask(&ann, "+join #new 1$", "/join #new");
	ask(&ann, "+join #rush 1$", "/join #rush");
	talk_open_from(&bob, server.lines_port, "127.0.0.10");
	talk_expect_start(&bob, "+turnstile 1 ");
	ask(&bob, "+booked ", "/book rush");
	talk_expect_event(&ann, "*sale rush 9 10");
	cr_expect(eventually(
		log_has(&server, "(127.0.0.9) may not open a room: its address has opened 128")));
}

/* A log that nobody reads */

static int log_ends[2];

static void log_to_a_full_pipe(void)
{
	dup2(log_ends[1], STDERR_FILENO);
}

static void fill_log(void)
{
	char junk[4096];

	memset(junk, '.', sizeof(junk));
	cr_assert_eq(pipe2(log_ends, O_CLOEXEC), 0);
	cr_assert_eq(fcntl(log_ends[1], F_SETFL, O_NONBLOCK), 0);
	while (write(log_ends[1], junk, sizeof(junk)) > 0) {
	}
	cr_assert_eq(fcntl(log_ends[1], F_SETFL, 0), 0);
	server.before_exec = log_to_a_full_pipe;
}

/* Reads what is there; whether WHO says in it how much is missing. */
static bool log_tells_what_is_missing(const char *who)
{
	static char text[1 << 20];
	static size_t length;
	ssize_t got;

	cr_assert_eq(fcntl(log_ends[0], F_SETFL, O_NONBLOCK), 0);
	while ((got = read(log_ends[0], text + length, sizeof(text) - 1 - length)) > 0) {
		length += (size_t)got;
	}
	const char *said = strstr(text, who);

	return said && strstr(said, " lines are missing here: nobody read the log\n");
}

Test(programs_strangers, a_log_that_nobody_reads_stops_nobody)
{
	static struct talk bob;
	pid_t pid;

	fill_log();
	turnstiled_start(&server, "--workers", "2", "--adopt", "off", "--log-level", "debug",
			 "--op-password-file", password_file(&server));
	open_on(&ann, server.lines_port, 1);
	open_on(&bob, server.lines_port, 2);
	ask(&ann, "+join #r ", "/join #r");
	ask(&bob, "+nick bob$", "/nick bob");
	ask(&bob, "+join #r ", "/join #r");
	become_operator(&ann);
	for (int i = 0; i < 50; i++) { /* each is worth a line of the log */
		ask(&ann, "+ban ", "/ban 192.0.2.%d 1", i);
		ask(&bob, "+say ", "/say #r line %d", i);
		talk_expect_event(&ann, text_of("*say #r bob line %d", i));
	}
	serving(&bob, &pid);
	cr_assert(
		watch_signal(server.pid, pid, SIGKILL)); /* the master has something to say, too */
	talk_expect_end(&bob);
	open_on(&bob, server.lines_port, 2);
	ask(&bob, "+join #r ", "/join #r");
	cr_expect(eventually(log_tells_what_is_missing("master warning: ")));
	cr_expect(eventually(log_tells_what_is_missing("worker 1 warning: ")));
}

/* Bad manners of sockets */

#define STRANGERS 24

/* Ends the connection with a reset in place of an end. */
static void reset(struct talk *talk)
{
	const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

	cr_assert_eq(setsockopt(talk->descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)),
		     0);
	talk_close(talk);
}

/* Resets in the middle of a line, with answers unread, with bookings under way; or half-closes. */
static void misbehave(struct talk *talk, int kind)
{
	static const char questions[] = "/join #r\n/rooms\n/who\n/history\n/help\n";
	static const char bookings[] = "/join #r\n/hold rush 1 tied\n/book rush 1\n/hold ru";

	if (kind == 0) {
		talk_write(talk, "/join #r\n/say half a li", 23);
		reset(talk);
	} else if (kind == 1) {
		talk_write(talk, questions, strlen(questions));
		reset(talk);
	} else if (kind == 2) {
		talk_write(talk, bookings, strlen(bookings));
		reset(talk);
	} else { /* half-closes, and never reads */
		talk_write(talk, questions, strlen(questions));
		talk_end_output(talk);
	}
}

static void drip(struct talk *talk, int number)
{
	static const char line[] = "/say dripping\n";

	talk_write(talk, &line[(size_t)number % (sizeof(line) - 1)], 1);
}

Test(programs_strangers, who_resets_drips_or_half_closes_is_alone_with_it)
{
	static struct talk strangers[STRANGERS], dripping;

	turnstiled_start(&server, "--workers", "2", "--event", "rush=100", "--rate", "0");
	talk_open_greeted(&ann, server.lines_port);
	ask(&ann, "+nick ann$", "/nick ann");
	ask(&ann, "+join #r ", "/join #r");
	talk_open_greeted(&dripping, server.lines_port);
	ask(&dripping, "+join #r ", "/join #r");
	for (int i = 0; i < STRANGERS; i++) {
		talk_open_greeted(&strangers[i], server.lines_port);
		misbehave(&strangers[i], i % 4);
		drip(&dripping, i);
		ask(&ann, text_of("+pong %d$", i), "/ping %d", i);
		ask(&ann, "+say #r$", "/say #r still here");
	}
	cr_expect(eventually(stat_of(&ann, "turnstile_connections") == 2));
	cr_expect(eventually(left_of(&ann, "rush") >= 100 - STRANGERS / 4), "tied holds come back");
	cr_expect(adds_up(&ann, "rush"));
	ask(&ann, "+who 2$", "/who #r");
	talk_expect_answer(&dripping, "+say #r");
}
