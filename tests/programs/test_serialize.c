/*
 * How bookings are put in a row: by the lock, also between two servers and when its holder hangs;
 * by one child process each; or not at all.
 */
#include <criterion/criterion.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/programs/buyer.h"
#include "tests/programs/watch.h"
#include "tests/support/capture.h"
#include "tests/support/child.h"

#define BUYERS 4

static struct turnstiled server, second;
static struct talk talk;
static struct buyer buyers[BUYERS];

static void init(void)
{
	turnstiled_init(&server, TURNSTILED);
	turnstiled_init(&second, TURNSTILED);
}

static void finish(void)
{
	turnstiled_finish(&second);
	turnstiled_finish(&server);
}

TestSuite(programs_serialize, .init = init, .fini = finish, .timeout = 90);

#define TestOnBoth(promise)                        \
	static void promise(const char *kind);     \
	Test(programs_serialize, promise##_sqlite) \
	{                                          \
		promise("sqlite");                 \
	}                                          \
	Test(programs_serialize, promise##_json)   \
	{                                          \
		promise("json");                   \
	}                                          \
	static void promise(const char *kind)

/* `turnstile store WORDS` on the server's store */

static int run_client(void *argument)
{
	execv(TURNSTILE, argument);
	return 127;
}

static void run_store_tool(struct capture *capture, const char *verb, const char *url)
{
	char name[] = "turnstile", store[] = "store", word[16], where[FOLDER_PATH_SIZE + 16];
	char option[] = "--format", csv[] = "csv";
	bool exports = strcmp(verb, "export") == 0;
	char *argv[] = { name, store, word, where, exports ? option : NULL, csv, NULL };

	snprintf(word, sizeof(word), "%s", verb);
	snprintf(where, sizeof(where), "%s", url);
	capture_start(capture, -1, run_client, argv);
	capture_wait(capture);
}

/* The store itself says that all is well. */
static void check_store(const char *kind)
{
	struct capture capture;

	run_store_tool(&capture, "check", store_url(&server, kind, "store"));
	cr_expect_eq(capture.status, 0, "%s%s", capture.output, capture.errors);
	capture_free(&capture);
}

/* Two servers */

static void start_first(const char *kind, const char *event)
{
	turnstiled_start(&server, "--workers", "2", "--store", store_url(&server, kind, "store"),
			 "--event", event);
}

static void start_second(const char *kind)
{
	turnstiled_start(&second, "--workers", "2", "--store", store_url(&server, kind, "store"));
}

static unsigned booked_by_all(void)
{
	unsigned booked = 0;

	for (unsigned i = 0; i < BUYERS; i++) {
		booked += buyers[i].booked;
	}
	return booked;
}

/* Half of the buyers at each of the servers. */
static void open_buyers(int round)
{
	for (unsigned i = 0; i < BUYERS; i++) {
		buyer_open(&buyers[i], i % 2 ? second.lines_port : server.lines_port, 0, "rush",
			   text_of("%d%c", round, 'a' + (int)i));
	}
}

TestOnBoth(two_servers_on_one_store_never_sell_more_than_there_is)
{
	static struct talk there;

	start_first(kind, "rush=400");
	start_second(kind);
	open_buyers(0);
	for (unsigned asked = 0; asked < 200; asked += 50) {
		for (unsigned i = 0; i < BUYERS; i++) {
			buyer_ask(&buyers[i], 50);
		}
		cr_assert(eventually(buyers_heard(buyers, BUYERS)));
	}
	cr_expect_eq(booked_by_all(), 400);
	for (unsigned i = 0; i < BUYERS; i++) {
		cr_expect_gt(buyers[i].booked, 0, "one of the servers sold nothing");
		cr_expect_eq(buyers[i].failed, 0);
	}
	talk_open_greeted(&talk, server.lines_port);
	talk_open_greeted(&there, second.lines_port);
	cr_expect(eventually(left_of(&talk, "rush") == 0 && left_of(&there, "rush") == 0));
	ask(&there, "+audit rush 400 0 0 400 ok$", "/audit rush");
	check_store(kind);
}

Test(programs_serialize, each_server_shows_by_itself_what_the_other_sold)
{
	static struct talk there;

	start_first("sqlite", "rush=10");
	start_second("sqlite");
	talk_open_greeted(&talk, server.lines_port);
	talk_open_greeted(&there, second.lines_port);
	ask(&there, "+join #rush ", "/join #rush");
	for (int i = 1; i <= 2; i++) {
		ask(&talk, "+booked ", "/book rush");
		talk_expect_event(&there, text_of("*sale rush %d 10", 10 - i));
		ask(&there, text_of("+left rush %d 10$", 10 - i), "/left rush");
	}
}

static bool sold_something(struct buyer *buyer)
{
	buyer_heard(buyer);
	return buyer->booked > 0;
}

/* The second server is killed in the middle of its sales, again and again; the first sells on. */
TestOnBoth(a_server_that_is_killed_takes_nothing_from_the_other)
{
	unsigned seed = (unsigned)clock_monotonic_ns();

	start_first(kind, "rush=100000");
	talk_open_greeted(&talk, server.lines_port);
	for (int round = 0; round < 5; round++) {
		start_second(kind);
		open_buyers(round);
		for (unsigned i = 0; i < BUYERS; i++) {
			buyer_ask(&buyers[i], 200);
		}
		cr_assert(eventually(sold_something(&buyers[1])));
		clock_sleep((int64_t)(rand_r(&seed) % 20) * NS_PER_MS);
		turnstiled_kill(&second);
		cr_assert(eventually(buyers_heard(buyers, BUYERS)), "the first one hangs");
		for (unsigned i = 0; i < BUYERS; i++) {
			cr_expect(buyer_has_tickets(&buyers[i], &talk), "a sale is lost");
		}
		cr_expect(adds_up(&talk, "rush"));
	}
	check_store(kind);
}

/* A holder that hangs */

#define AT_ONCE_MS 400
#define A_TRY      4  /* bookings */
#define DOUBLINGS  12 /* of a microsecond: up to 4 ms */

static bool answers_at_once(struct talk *asker)
{
	struct pollfd socket = { .fd = asker->descriptor, .events = POLLIN };

	talk_say(asker, "/book rush");
	return poll(&socket, 1, AT_ONCE_MS) == 1;
}

/* How long a booking has the lock depends on where the store lies: short waits and long ones are
 * alike likely. */
static int64_t some_time_ns(unsigned *seed)
{
	unsigned most_us = 1U << (unsigned)(rand_r(seed) % (DOUBLINGS + 1));

	return (int64_t)((unsigned)rand_r(seed) % most_us) * NS_PER_US;
}

/* Stops the first worker in the middle of its sales until its clerk had the lock just then. */
static pid_t stop_the_holder(unsigned *seed)
{
	pid_t pid;

	buyer_open(&buyers[0], server.lines_port, 1, "rush", "stopped");
	serving(&buyers[0].talk, &pid);
	while (buyers[0].asked + A_TRY <= BUYER_MAX) {
		buyer_ask(&buyers[0], A_TRY);
		clock_sleep(some_time_ns(seed));
		cr_assert(watch_signal(server.pid, pid, SIGSTOP));
		if (!answers_at_once(&talk)) {
			return pid;
		}
		talk_expect_start(&talk, "+booked ");
		cr_assert(watch_signal(server.pid, pid, SIGCONT));
		cr_assert(eventually(buyer_heard(&buyers[0])));
	}
	return 0;
}

Test(programs_serialize, sales_go_on_a_few_seconds_after_a_holder_of_the_lock_hangs)
{
	unsigned seed = (unsigned)clock_monotonic_ns();

	start_first("sqlite", "rush=100000");
	open_on(&talk, server.lines_port, 2);
	const pid_t pid = stop_the_holder(&seed);
	cr_assert_neq(pid, 0, "it never was the holder");
	talk_expect_start(&talk, "+booked ");
	cr_expect(eventually(log_has(&server, "hung and was killed")));
	cr_expect(eventually(watch_state(pid) == '\0'));
	cr_assert(eventually(buyer_heard(&buyers[0])));
	cr_expect(buyer_has_tickets(&buyers[0], &talk));
	cr_expect(adds_up(&talk, "rush"));
}

/* --serialize join */

static void start_joining(const char *kind, const char *event)
{
	turnstiled_start(&server, "--workers", "2", "--store", store_url(&server, kind, "store"),
			 "--serialize", "join", "--event", event);
	for (unsigned i = 0; i < BUYERS; i++) {
		buyer_open(&buyers[i], server.lines_port, 1 + i % 2, "rush",
			   text_of("%c", 'a' + (int)i));
	}
}

/* The joiner: the child of the master that serves no connection. */
static pid_t joiner(void)
{
	pid_t children[WATCH_CHILDREN_MAX], first, other;
	size_t count = watch_children(server.pid, children);

	serving(&buyers[0].talk, &first);
	serving(&buyers[1].talk, &other);
	for (size_t i = 0; i < count; i++) {
		if (children[i] != first && children[i] != other) {
			return children[i];
		}
	}
	return 0;
}

/* In the store the requests of each connection stand in the order in which they were sent. */
static void check_order_in_store(const char *kind)
{
	struct capture capture;
	unsigned next[BUYERS] = { 0 };
	char who;
	unsigned number;

	run_store_tool(&capture, "export", store_url(&server, kind, "store"));
	cr_expect_eq(capture.status, 0, "%s", capture.errors);
	for (char *rest = capture.output, *line; (line = strsep(&rest, "\n"));) {
		const char *key = strstr(line, ",a-good-long-key-");
		if (!key || sscanf(key, ",a-good-long-key-%c%u", &who, &number) != 2) {
			continue;
		}
		cr_assert(who >= 'a' && who < 'a' + BUYERS);
		cr_assert_eq(number, next[who - 'a'], "'%s' is out of order", line);
		next[who - 'a']++;
	}
	for (unsigned i = 0; i < BUYERS; i++) {
		cr_expect_eq(next[i], buyers[i].booked);
	}
	capture_free(&capture);
}

struct children {
	size_t different; /* that were seen */
	size_t at_once;   /* at most */
	pid_t last;
};

/* Those that a look around finds; of several only the ones that were still there after it count. */
static void look_at_children(struct children *seen, pid_t parent)
{
	pid_t children[WATCH_CHILDREN_MAX];
	size_t count = watch_children(parent, children);
	size_t at_once = 0;

	for (size_t i = 0; i < count; i++) {
		const char state = watch_state(children[i]);
		at_once += state != '\0' && state != 'Z';
		seen->different += children[i] != seen->last;
		seen->last = children[i];
	}
	seen->at_once = at_once > seen->at_once ? at_once : seen->at_once;
}

static struct children watch_until_all_is_answered(pid_t parent)
{
	const int64_t end_ns = clock_deadline(TALK_TIMEOUT_NS);
	struct children seen = { 0 };

	while (!buyers_heard(buyers, BUYERS)) {
		look_at_children(&seen, parent);
		cr_assert_lt(clock_monotonic_ns(), end_ns, "bookings hang");
	}
	return seen;
}

#define EACH          40 /* bookings of each buyer, with join */
#define SEEN_AT_LEAST 10 /* children, of one a booking; they are short-lived */

TestOnBoth(with_join_one_child_after_the_other_sells_each_ticket_once)
{
	start_joining(kind, "rush=30");
	const pid_t pid = joiner();
	for (unsigned i = 0; i < BUYERS; i++) {
		buyer_ask(&buyers[i], EACH);
	}
	const struct children seen = watch_until_all_is_answered(pid);
	cr_expect_eq(seen.at_once, 1);
	cr_expect_geq(seen.different, SEEN_AT_LEAST, "only %zu", seen.different);
	cr_expect_eq(booked_by_all(), 30);
	for (unsigned i = 0; i < BUYERS; i++) {
		cr_expect_eq(buyers[i].booked + buyers[i].sold_out, EACH);
	}
	ask(&buyers[0].talk, "+audit rush 30 0 0 30 ok$", "/audit rush");
	cr_expect(eventually(watch_zombies(pid) == 0));
	cr_expect_eq(watch_zombies(server.pid), 0);
	check_order_in_store(kind);
	cr_expect_eq(turnstiled_stop(&server), 0);
}

Test(programs_serialize, with_join_holds_lapse_too)
{
	start_joining("sqlite", "rush=5");
	ask(&buyers[0].talk, "+held ", "/hold rush 2 ttl=1");
	ask(&buyers[1].talk, "+held ", "/hold rush 2 tied");
	cr_expect(eventually(left_of(&buyers[0].talk, "rush") == 3));
	talk_close(&buyers[1].talk);
	cr_expect(eventually(left_of(&buyers[0].talk, "rush") == 5));
}

static unsigned answered_to_all(void)
{
	unsigned answered = 0;

	for (unsigned i = 0; i < BUYERS; i++) {
		answered += buyers[i].answered;
	}
	return answered;
}

/* Kills the joiner; returns its successor, which is the youngest. */
static pid_t kill_joiner(pid_t pid)
{
	pid_t children[WATCH_CHILDREN_MAX];

	cr_assert(watch_signal(server.pid, pid, SIGKILL));
	cr_assert(eventually(watch_state(pid) == '\0'));
	cr_assert(eventually(watch_children(server.pid, children) == 3));
	for (unsigned i = 0; i < 3; i++) {
		pid = children[i] > pid ? children[i] : pid;
	}
	return pid;
}

#define PROGRESS 3 /* answers between two kills of a child */

/* Kills the joiner's child of the moment, and in the middle of it all the joiner. */
static unsigned kill_until_all_is_answered(pid_t pid, unsigned count)
{
	const int64_t end_ns = clock_deadline(2 * TALK_TIMEOUT_NS);
	unsigned kills = 0, next = PROGRESS, seed = (unsigned)clock_monotonic_ns();
	bool spared = true;

	while (!buyers_heard(buyers, BUYERS)) {
		cr_assert_lt(clock_monotonic_ns(), end_ns, "bookings hang");
		clock_sleep((int64_t)(rand_r(&seed) % 5000) * NS_PER_US);
		if (answered_to_all() >= next && watch_signal_any(pid, &seed, SIGKILL)) {
			kills++;
			next = answered_to_all() + PROGRESS;
		}
		if (spared && answered_to_all() > count / 2) {
			pid = kill_joiner(pid);
			spared = false;
		}
	}
	return kills;
}

#define CHILDREN 75 /* bookings of each buyer */

TestOnBoth(with_join_a_killed_child_or_joiner_loses_nothing)
{
	start_joining(kind, "rush=100000");
	const pid_t pid = joiner();
	for (unsigned i = 0; i < BUYERS; i++) {
		buyer_ask(&buyers[i], CHILDREN);
	}
	cr_expect_gt(kill_until_all_is_answered(pid, BUYERS * CHILDREN), 5);
	for (unsigned i = 0; i < BUYERS; i++) {
		cr_expect_eq(buyers[i].booked, CHILDREN, "%u failed", buyers[i].failed);
	}
	ask(&buyers[0].talk, text_of("+audit rush %u 0 ", BUYERS * CHILDREN), "/audit rush");
	cr_expect(eventually(watch_zombies(server.pid) == 0));
	check_order_in_store(kind);
}

/* --serialize none */

static int run_server(void *argument)
{
	execv(TURNSTILED, argument);
	return 127;
}

TestOnBoth(without_a_lock_a_store_in_use_is_refused)
{
	char url[FOLDER_PATH_SIZE + 16];
	struct capture capture;

	start_first(kind, "rush=5");
	cr_expect_eq(turnstiled_stop(&server), 0);
	snprintf(url, sizeof(url), "%s", store_url(&server, kind, "store"));
	char words[][16] = { "turnstiled", "--listen",    "lines:[::1]:0",
			     "--store",    "--serialize", "none" };
	char *argv[] = { words[0], words[1], words[2], words[3], url, words[4], words[5], NULL };
	capture_start(&capture, -1, run_server, argv);
	capture_wait(&capture);
	cr_expect_eq(capture.status, 1);
	cr_expect_null(strstr(capture.output, "ready"));
	cr_expect_not_null(strstr(capture.errors, url), "%s", capture.errors);
	const char *end = strchr(capture.errors, '\n');
	cr_expect(end && end[1] == '\0', "not one line: '%s'", capture.errors);
	capture_free(&capture);
}

static bool stats_say(const char *row)
{
	bool found = false;

	talk_say(&talk, "/stats");
	while (talk_expect_answer(&talk, "")[0] == '=') {
		found |= strcmp(talk.line, row) == 0;
	}
	return found;
}

TestOnBoth(without_a_lock_more_is_sold_than_there_is_and_it_says_so)
{
	turnstiled_start(&server, "--workers", "4", "--store", store_url(&server, kind, "store"),
			 "--serialize", "none", "--event", "rush=20");
	open_on(&talk, server.lines_port, 1);
	ask(&talk, "+join #rush ", "/join #rush");
	for (unsigned i = 0; i < BUYERS; i++) {
		buyer_open(&buyers[i], server.lines_port, 1 + i, "rush",
			   text_of("%c", 'a' + (int)i));
	}
	for (unsigned i = 0; i < BUYERS; i++) { /* at the same time, as nearly as can be */
		buyer_ask(&buyers[i], 20);
	}
	cr_assert(eventually(buyers_heard(buyers, BUYERS)));
	cr_expect_gt(booked_by_all(), 20, "only %u were sold", booked_by_all());
	const char *line = talk_expect_event(&talk, "*sale rush ");
	cr_expect_str_eq(line + strlen(line) - 9, " unlocked", "%s", line);
	cr_expect(stats_say("=turnstile_serialize none"));
	cr_expect(eventually(log_has(&server, "NO LOCK")));
	ask(&talk, "-INTERNAL ", "/audit rush");
}

TestOnBoth(without_a_lock_holds_lapse_too_and_nobody_waits)
{
	char code[TICKET_CODE_SIZE];

	turnstiled_start(&server, "--workers", "2", "--store", store_url(&server, kind, "store"),
			 "--serialize", "none", "--event", "rush=5");
	open_on(&talk, server.lines_port, 1);
	buyer_open(&buyers[0], server.lines_port, 2, "rush", "a");
	ask_code(&talk, code, "+held ", "/hold rush 2 ttl=1");
	ask(&talk, "+booked ", "/book rush");
	ask(&buyers[0].talk, "+held ", "/hold rush 2 tied ttl=3600");
	cr_expect(eventually(left_of(&talk, "rush") == 2));
	ask(&talk, text_of("+ticket %s rush 2 expired$", code), "/ticket %s", code);
	talk_close(&buyers[0].talk);
	cr_expect(eventually(left_of(&talk, "rush") == 4));
	ask(&talk, "-LIMIT nobody can wait ", "/wait rush 5");
	cr_expect(adds_up(&talk, "rush"));
}
