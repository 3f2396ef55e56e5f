/* What a room remembers, also after a crash; and rooms with many in them, who read or do not. */
#include <criterion/criterion.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/programs/office.h"
#include "tests/programs/watch.h"
#include "tests/support/child.h"

static struct turnstiled server;
static struct talk ann, bob;

static void init(void)
{
	turnstiled_init(&server, TURNSTILED);
}

static void finish(void)
{
	turnstiled_finish(&server);
}

TestSuite(programs_history, .init = init, .fini = finish, .timeout = 60);

static void enter(struct talk *talk, unsigned worker, const char *nick)
{
	open_on(talk, server.lines_port, worker);
	ask(talk, text_of("+nick %s$", nick), "/nick %s", nick);
	ask(talk, "+join #r ", "/join #r");
}

static void enter_both(void)
{
	enter(&ann, 1, "ann");
	enter(&bob, 2, "bob");
	talk_expect_event(&ann, "*join #r bob");
}

static void start(const char *history)
{
	turnstiled_start(&server, "--workers", "2", "--history", history, "--store",
			 store_url(&server, "sqlite", "store"));
	enter_both();
}

static bool is_recent(const char *row)
{
	struct tm date = { 0 };
	const char *end = strptime(row, "=%Y-%m-%dT%H:%M:%SZ ", &date);
	int64_t age_s = clock_wall_ns() / NS_PER_SECOND - (int64_t)timegm(&date);

	return end && age_s >= 0 && age_s < 60;
}

/* The rows of "/history ARGUMENTS" are "NICK line FIRST" to "NICK line LAST". */
static void expect_history(struct talk *talk, const char *arguments, unsigned first, unsigned last)
{
	talk_say(talk, "/history%s", arguments);
	for (unsigned i = first; i <= last; i++) {
		const char *row = talk_expect_answer(talk, "=");
		cr_assert(is_recent(row), "'%s'", row);
		cr_assert_str_eq(strchr(row, ' '),
				 text_of(" %s line %u", i % 2 ? "ann" : "bob", i));
	}
	talk_expect_answer(talk, text_of("+history %u", last - first + 1));
}

/* In turns, each when the other has heard the one before. */
static void say_lines(unsigned first, unsigned last)
{
	for (unsigned i = first; i <= last; i++) {
		talk_say(i % 2 ? &ann : &bob, "line %u", i);
		talk_expect_event(i % 2 ? &bob : &ann, "*say #r ");
	}
}

Test(programs_history, the_last_lines_are_shown_oldest_first)
{
	start("1000");
	ask(&ann, "+history 0$", "/history");
	say_lines(1, 20);
	expect_history(&ann, "", 1, 20);
	expect_history(&bob, " 5", 16, 20);
	expect_history(&bob, " #R 1", 20, 20);
	expect_history(&bob, " #r", 1, 20);
	expect_history(&bob, " 1000", 1, 20);
	ask(&ann, "-BADARG ", "/history 0");
	ask(&ann, "-BADARG ", "/history x");
	ask(&ann, "-BADARG ", "/history 1001");
	ask(&ann, "-NOROOM ", "/history #other");
	ask(&ann, "+part #r$", "/part");
	ask(&ann, "-NOROOM ", "/history #r");
	ask(&ann, "-NOROOM ", "/history");
}

Test(programs_history, no_more_is_remembered_than_asked_for)
{
	start("10");
	say_lines(1, 40);
	ask(&ann, "-BADARG ", "/history 11");
	expect_history(&ann, " 10", 31, 40);
	expect_history(&bob, "", 31, 40);
}

Test(programs_history, a_topic_is_for_members_to_change_and_for_all_to_read)
{
	static struct talk eve;

	start("1000");
	talk_open_greeted(&eve, server.lines_port);
	ask(&ann, "+topic #r$", "/topic #r");
	ask(&ann, "+topic #r a  \xef\xbf\xbd topic$", "/topic #R a  \x1b topic");
	talk_expect_event(&bob, "*topic #r ann a  \xef\xbf\xbd topic");
	ask(&eve, "+topic #r a  \xef\xbf\xbd topic$", "/topic #r");
	ask(&eve, "-NOROOM ", "/topic #r mine");
	ask(&eve, "-NOTFOUND ", "/topic #other");
	ask(&eve, "-BADARG ", "/topic");
	ask(&eve, "=#r 2 a  \xef\xbf\xbd topic$", "/rooms");
	talk_expect_answer(&eve, "+rooms 1");
}

/* Restarts */

static void say_and_name(void)
{
	start("1000");
	say_lines(1, 30);
	ask(&ann, "+topic #r for all times$", "/topic #r for all times");
	talk_close(&ann);
	talk_close(&bob);
}

static void expect_all_again(void)
{
	turnstiled_start(&server, "--workers", "2", "--store",
			 store_url(&server, "sqlite", "store"));
	enter_both();
	ask(&bob, "+topic #r for all times$", "/topic #r");
	expect_history(&bob, "", 1, 30);
	say_lines(31, 32);
	expect_history(&ann, " 4", 29, 32);
}

Test(programs_history, a_restart_loses_no_line_and_no_topic)
{
	say_and_name();
	cr_assert_eq(turnstiled_stop(&server), 0);
	expect_all_again();
}

Test(programs_history, a_crash_loses_nothing_older_than_a_second)
{
	say_and_name();
	clock_sleep(2 * NS_PER_SECOND);
	turnstiled_kill(&server);
	expect_all_again();
}

Test(programs_history, a_restart_with_less_history_keeps_the_newest)
{
	start("1000");
	say_lines(1, 30);
	talk_close(&ann);
	talk_close(&bob);
	cr_assert_eq(turnstiled_stop(&server), 0);
	start("10");
	expect_history(&ann, "", 21, 30);
}

Test(programs_history, killed_workers_lose_no_line)
{
	pid_t children[WATCH_CHILDREN_MAX];

	start("1000");
	say_lines(1, 30);
	size_t count = watch_children(server.pid, children);
	for (size_t i = 0; i < count; i++) {
		watch_signal(server.pid, children[i], SIGKILL);
	}
	expect_history(&ann, "", 1, 30);
}

/* Rooms of many */

#define CROWD 200

static struct talk crowd[CROWD];

static void fill_room(unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++) {
		talk_open_greeted(&crowd[i], server.lines_port);
		ask(&crowd[i], text_of("+join #r %u$", i + 1), "/join #r");
	}
}

#define EVENTS_MOST 64

Test(programs_history, above_64_members_nobody_is_told_who_comes_and_goes)
{
	turnstiled_start(&server, "--workers", "2");
	fill_room(0, EVENTS_MOST);
	for (unsigned i = 1; i < EVENTS_MOST; i++) {
		talk_expect_event(&crowd[0], "*join #r guest-");
	}
	ask(&crowd[EVENTS_MOST - 1], "+nick last$", "/nick last");
	talk_expect_event(&crowd[0], "*nick guest-");

	fill_room(EVENTS_MOST, EVENTS_MOST + 2);
	ask(&crowd[EVENTS_MOST], "+nick newest$", "/nick newest");
	ask(&crowd[EVENTS_MOST + 1], "+part #r$", "/part #r"); /* of 66 */
	talk_say(&crowd[1], "nothing before this");
	talk_expect_event(&crowd[0], "*say #r guest-");
	ask(&crowd[EVENTS_MOST], "+part #r$", "/part #r"); /* of 65 */
	ask(&crowd[EVENTS_MOST - 1], "+part #r$", "/part #r");
	talk_expect_event(&crowd[0], "*part #r last");
}

#define SPEAKERS 4
#define LINES    150 /* of each speaker */

/* The next line that is said; while the room is small, who comes and goes is told in between. */
static const char *next_said(struct talk *talk)
{
	const char *line;

	do {
		line = talk_expect_event(talk, "*");
	} while (strncmp(line, "*join ", 6) == 0 || strncmp(line, "*part ", 6) == 0);
	return line;
}

static unsigned number_of(const char *line)
{
	unsigned speaker = 0, number = 0;

	cr_assert_eq(sscanf(line, "*say #r speaker%u line %u", &speaker, &number), 2, "'%s'", line);
	cr_assert_lt(speaker, SPEAKERS);
	return speaker * LINES + number;
}

/* All that this one hears: each speaker's lines in their order, and the whole as the first did. */
static void check_order(unsigned member, unsigned order[SPEAKERS * LINES])
{
	unsigned next[SPEAKERS] = { 0 };

	for (unsigned i = 0; i < SPEAKERS * LINES; i++) {
		unsigned number = number_of(next_said(&crowd[member]));
		cr_assert_eq(number % LINES, next[number / LINES]++, "a line is lost");
		if (member == SPEAKERS) {
			order[i] = number;
		}
		cr_assert_eq(number, order[i], "member %u hears another order", member);
	}
}

Test(programs_history, in_a_room_of_200_everyone_hears_all_in_one_order)
{
	static unsigned order[SPEAKERS * LINES];

	turnstiled_start(&server, "--workers", "4");
	fill_room(0, CROWD);
	for (unsigned i = 0; i < SPEAKERS; i++) {
		ask(&crowd[i], "+nick ", "/nick speaker%u", i);
	}
	for (unsigned i = 0; i < LINES; i++) {
		for (unsigned speaker = 0; speaker < SPEAKERS; speaker++) {
			talk_say(&crowd[speaker], "line %u", i);
		}
	}
	for (unsigned i = SPEAKERS; i < CROWD; i++) {
		check_order(i, order);
	}
	ask(&crowd[0], "+pong$", "/ping");
	cr_expect_eq(stat_of(&crowd[0], "turnstile_missed_total"), 0);
}

#define LONG_LINES 200 /* more than the smallest log holds */

static void say_long(struct talk *talk, unsigned number)
{
	talk_say(talk, "%u %01000d", number, 0);
}

static unsigned long_number(const char *line)
{
	unsigned number = LONG_LINES;

	cr_assert_eq(sscanf(line, "*say #r ann %u 0", &number), 1, "'%.40s'", line);
	return number;
}

Test(programs_history, who_is_served_by_a_stopped_worker_is_told_what_it_missed_and_nobody_else_is)
{
	static struct talk late;
	unsigned missed = 0;
	pid_t pid;

	turnstiled_start(&server, "--workers", "3", "--history", "1");
	enter_both();
	enter(&late, 3, "late");
	serving(&late, &pid);
	cr_assert(watch_signal(server.pid, pid, SIGSTOP));
	for (unsigned i = 0; i < LONG_LINES; i++) {
		say_long(&ann, i);
		cr_assert_eq(long_number(next_said(&bob)), i);
	}
	cr_assert(watch_signal(server.pid, pid, SIGCONT));
	const char *notice = talk_expect_event(&late, "*notice ");
	cr_assert_eq(sscanf(notice, "*notice %u lines of #r were missed", &missed), 1, "'%s'",
		     notice);
	cr_assert(missed > 0 && missed < LONG_LINES, "%u", missed);
	for (unsigned i = missed; i < LONG_LINES; i++) {
		cr_assert_eq(long_number(next_said(&late)), i);
	}
	cr_expect_eq(stat_of(&late, "turnstile_missed_total"), missed);
	talk_close(&late);
}

static unsigned packets_to(const struct talk *talk)
{
	struct tcp_info info = { 0 };
	socklen_t length = sizeof(info);

	cr_assert_eq(getsockopt(talk->descriptor, IPPROTO_TCP, TCP_INFO, &info, &length), 0);
	return info.tcpi_data_segs_in;
}

/* Said one after the other, and still far fewer packets than lines. */
Test(programs_history, in_a_large_room_lines_that_come_close_together_are_sent_together)
{
	struct talk *listener = &crowd[CROWD - 1];

	turnstiled_start(&server, "--workers", "1");
	fill_room(0, CROWD);
	unsigned before = packets_to(listener);
	const int64_t start_ns = clock_monotonic_ns();
	for (unsigned i = 0; i < LINES; i++) {
		ask(&crowd[0], "+say #r$", "/say line");
	}
	const int64_t took_ns = clock_monotonic_ns() - start_ns;
	for (unsigned i = 0; i < LINES; i++) {
		talk_expect_event(listener, "*say #r ");
	}
	cr_expect_leq(packets_to(listener) - before, 2 + took_ns / (2 * NS_PER_MS));
	cr_expect_lt(packets_to(listener) - before, LINES);
}

/* Receivers that do not read */

#define SLEEPERS        1000
#define SLEEPER_SIZE    4096        /* bytes that its system takes for it */
#define SLEEPER_SEGMENT 536         /* small ones: so the server's system takes little, too */
#define QUEUE_BYTES     (16 * 1024) /* --send-queue */
#define GROWTH_KIB      (SLEEPERS * QUEUE_BYTES / 1024 + 16 * 1024)

static int sleepers[SLEEPERS];

static void send_to_sleep(int *sleeper)
{
	const int size = SLEEPER_SIZE;
	const int segment = SLEEPER_SEGMENT;
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons(server.lines_port),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	*sleeper = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_geq(*sleeper, 0);
	setsockopt(*sleeper, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	setsockopt(*sleeper, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof(segment));
	cr_assert_eq(connect(*sleeper, (struct sockaddr *)&address, sizeof(address)), 0);
	cr_assert_eq(send(*sleeper, "/join #r\n", 9, MSG_NOSIGNAL), 9);
}

static void send_all_to_sleep(void)
{
	struct rlimit limit;

	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur < SLEEPERS + 64) {
		cr_skip_test("too few descriptors");
	}
	for (int i = 0; i < SLEEPERS; i++) {
		send_to_sleep(&sleepers[i]);
	}
}

static bool has_members(unsigned count)
{
	bool has = strcmp(ask(&ann, "=#r ", "/rooms"), text_of("=#r %u", count)) == 0;

	talk_expect_answer(&ann, "+rooms 1");
	return has;
}

Test(programs_history, a_thousand_who_do_not_read_slow_nobody_and_take_little_memory)
{
	char text[1001];
	long most = 0;
	unsigned said = 0;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	turnstiled_start(&server, "--workers", "2", "--send-queue", text_of("%d", QUEUE_BYTES));
	enter(&ann, 1, "ann");
	enter(&bob, 2, "bob");
	send_all_to_sleep();
	cr_assert(eventually(has_members(SLEEPERS + 2)));
	const long before = watch_children_memory_kib(server.pid);
	while (stat_of(&ann, "turnstile_cut_off_total") < SLEEPERS) {
		cr_assert_lt(said, 20000, "who does not read is not cut off");
		for (int i = 0; i < 20; i++, said++) {
			talk_say(&ann, "%s", text);
		}
		for (int i = 0; i < 20; i++) {
			cr_assert_eq(strncmp(next_said(&bob), "*say #r ann xxx", 15), 0);
		}
		long memory = watch_children_memory_kib(server.pid);
		most = memory > most ? memory : most;
	}
	cr_expect_lt(most - before, GROWTH_KIB, "%ld KiB became %ld", before, most);
	cr_expect(eventually(has_members(2)));
	for (int i = 0; i < SLEEPERS; i++) {
		close(sleepers[i]);
	}
}
