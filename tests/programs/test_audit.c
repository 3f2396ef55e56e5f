/* /audit: in its place among the answers, whatever stands around it, and whoever is killed. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tests/programs/buyer.h"
#include "tests/programs/watch.h"
#include "tests/support/child.h"

#define ASKERS 6
#define ASKED  50 /* times each, before its answers are read */
#define KILLS  6

static struct turnstiled server;
static struct talk talk;
static struct talk askers[ASKERS];
static struct buyer buyer;

static void init(void)
{
	turnstiled_init(&server, TURNSTILED);
}

static void finish(void)
{
	turnstiled_finish(&server);
}

TestSuite(programs_audit, .init = init, .fini = finish, .timeout = 60);

#define TestOnBoth(promise)                    \
	static void promise(const char *kind); \
	Test(programs_audit, promise##_sqlite) \
	{                                      \
		promise("sqlite");             \
	}                                      \
	Test(programs_audit, promise##_json)   \
	{                                      \
		promise("json");               \
	}                                      \
	static void promise(const char *kind)

static void start(const char *kind, const char *serialize)
{
	turnstiled_start(&server, "--workers", "2", "--store", store_url(&server, kind, "store"),
			 "--event", "rush=1000", "--serialize", serialize, "--rate", "0");
	talk_open_greeted(&talk, server.lines_port);
}

/* What is answered faster than tickets are counted stands behind a count. */
static void expect_in_order(void)
{
	static const char lines[] = "/book rush\n/audit rush\n/ticket 0000-0000-0000-0000\n"
				    "/book rush 2\n/audit rush\n/book none\n/audit none\n"
				    "/ping a\n/audit rush\n/quit\n";

	talk_write(&talk, lines, sizeof(lines) - 1);
	talk_expect_answer(&talk, "+booked ");
	talk_expect_answer(&talk, "+audit rush 1 0 999 1000 ok");
	talk_expect_answer(&talk, "-NOTFOUND no such code");
	talk_expect_answer(&talk, "+booked ");
	talk_expect_answer(&talk, "+audit rush 3 0 997 1000 ok");
	talk_expect_answer(&talk, "-NOTFOUND no such event; /events lists them");
	talk_expect_answer(&talk, "-NOTFOUND no such event; /events lists them");
	talk_expect_answer(&talk, "+pong a");
	talk_expect_answer(&talk, "+audit rush 3 0 997 1000 ok");
	talk_expect_answer(&talk, "+bye");
	talk_expect_end(&talk);
	cr_expect_eq(turnstiled_stop(&server), 0);
}

TestOnBoth(it_is_answered_in_its_place_and_counts_what_was_asked_before_it)
{
	start(kind, "lock");
	expect_in_order();
}

TestOnBoth(it_is_answered_so_with_a_child_a_booking_too)
{
	start(kind, "join");
	expect_in_order();
}

TestOnBoth(it_is_answered_so_without_a_lock_too)
{
	start(kind, "none");
	expect_in_order();
}

/* Who asks goes, and all that is killed is a worker that counts. */
static void audit_and_kill(unsigned round)
{
	pid_t children[WATCH_CHILDREN_MAX];
	size_t count;

	for (unsigned i = 0; i < ASKERS; i++) {
		talk_open_greeted(&askers[i], server.lines_port);
		for (unsigned j = 0; j < ASKED; j++) {
			talk_say(&askers[i], "/audit rush");
		}
	}
	talk_expect_start(&askers[0], "+audit rush ");
	count = watch_children(server.pid, children);
	cr_assert_gt(count, 0);
	watch_signal(server.pid, children[round % count], SIGKILL);
	for (unsigned i = 0; i < ASKERS; i++) {
		talk_close(&askers[i]);
	}
	cr_assert(eventually(watch_children(server.pid, children) == 2));
}

TestOnBoth(a_worker_that_is_killed_while_it_counts_does_no_harm)
{
	unsigned sold = 0;

	start(kind, "lock");
	for (unsigned round = 0; round < KILLS; round++) {
		buyer_open(&buyer, server.lines_port, 0, "rush", text_of("k%u-", round));
		buyer_ask(&buyer, 20);
		audit_and_kill(round);
		cr_assert(eventually(buyer_heard(&buyer)));
		sold += buyer.booked;
		talk_close(&buyer.talk);
	}
	talk_open_greeted(&talk, server.lines_port);
	cr_expect(adds_up(&talk, "rush"));
	cr_expect_geq(1000 - left_of(&talk, "rush"), (long)sold);
	cr_expect_eq(turnstiled_stop(&server), 0);
}
