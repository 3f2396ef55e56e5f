/* What one may have: tickets a request, and what one address holds or waits for at a time. */
#include <criterion/criterion.h>

#include <signal.h>

#include "tests/programs/office.h"
#include "tests/programs/watch.h"
#include "tests/support/child.h"

static struct turnstiled server;
static struct talk ann, bob, seller;

static void init(void)
{
	turnstiled_init(&server, TURNSTILED);
}

static void finish(void)
{
	turnstiled_finish(&server);
}

TestSuite(programs_limits, .init = init, .fini = finish, .timeout = 60);

/* Tickets a request */

Test(programs_limits, a_request_has_at_most_ten_tickets)
{
	turnstiled_start(&server, "--event", "rush=100");
	talk_open_greeted(&ann, server.lines_port);
	ask(&ann, "+booked ", "/book rush 10");
	ask(&ann, "-LIMIT at most 10 tickets a request$", "/book rush 11");
	ask(&ann, "-LIMIT at most 10 tickets a request$", "/hold rush 11");
	ask(&ann, "-LIMIT at most 10 tickets a request$", "/wait rush 11");
	ask(&ann, "+left rush 90 100$", "/left rush");
}

Test(programs_limits, what_was_booked_before_the_limit_is_found_by_its_key)
{
	char code[TICKET_CODE_SIZE];

	turnstiled_start(&server, "--event", "rush=100", "--max-quantity", "0");
	talk_open_greeted(&ann, server.lines_port);
	ask_code(&ann, code, "+booked ", "/book rush 50 key=a-good-long-key-a");
	turnstiled_stop(&server);
	talk_close(&ann);
	turnstiled_start(&server);
	talk_open_greeted(&ann, server.lines_port);
	ask(&ann, text_of("+booked %s rush 50$", code), "/book rush 50 key=a-good-long-key-a");
	ask(&ann, "-LIMIT ", "/book rush 50 key=a-good-long-key-b");
}

/* What one address holds or waits for */

#define HOLDS   4
#define REFUSED "-LIMIT one address may hold or wait for 20 tickets at a time, and yours has 20$"

/* An event of 500, two workers, an operator at 127.0.0.9, and two people at 127.0.0.1. */
static void start(const char *serialize)
{
	turnstiled_start(&server, "--workers", "2", "--serialize", serialize, "--event", "rush=500",
			 "--op-password-file", password_file(&server));
	talk_open_from(&seller, server.lines_port, "127.0.0.9");
	talk_expect_start(&seller, "+turnstile 1 ");
	become_operator(&seller);
	open_on(&ann, server.lines_port, 1);
	open_on(&bob, server.lines_port, 2);
}

static void open_anew(struct talk *talk)
{
	talk_close(talk);
	talk_open_greeted(talk, server.lines_port);
}

/* Holds 20, each 5 on a connection of its own, which ends. */
static void hold_and_go(char codes[HOLDS][TICKET_CODE_SIZE])
{
	for (int i = 0; i < HOLDS; i++) {
		open_anew(&ann);
		ask_code(&ann, codes[i], "+held ", "/hold rush 5");
	}
	open_anew(&ann);
}

Test(programs_limits, holds_outlive_their_connections_and_count)
{
	char codes[HOLDS][TICKET_CODE_SIZE];

	start("lock");
	hold_and_go(codes);
	ask(&ann, REFUSED, "/hold rush");
	ask(&bob, REFUSED, "/hold rush"); /* on the other worker */
	ask(&bob, REFUSED, "/wait rush");
	cr_expect(eventually(
		log_has(&server, "(127.0.0.1) may not have more of event rush: its address holds "
				 "or waits for 20 tickets\n")));
	ask(&bob, "+booked ", "/book rush 10");  /* what is booked does not count */
	ask(&seller, "+held ", "/hold rush 10"); /* it is somebody else */
	ask(&bob, "+booked ", "/confirm %s", codes[0]);
	ask(&seller, "+cancelled ", "/cancel %s", codes[1]); /* by whoever has the code */
	ask(&ann, "+held ", "/hold rush 10");
	ask(&ann, REFUSED, "/hold rush");
	ask(&seller, "+audit rush 15 30 455 500 ok$", "/audit rush");
}

Test(programs_limits, what_lapsed_does_not_count)
{
	start("lock");
	ask(&ann, "+held ", "/hold rush 10 ttl=1");
	ask(&ann, "+held ", "/hold rush 10 ttl=1");
	ask(&bob, REFUSED, "/hold rush");
	cr_assert(eventually(left_of(&seller, "rush") == 500));
	ask(&bob, "+held ", "/hold rush 10");
}

static bool kill_all_workers(void)
{
	pid_t children[WATCH_CHILDREN_MAX];
	size_t count = watch_children(server.pid, children);
	bool good = count > 0;

	for (size_t i = 0; i < count; i++) {
		good = watch_signal(server.pid, children[i], SIGKILL) && good;
	}
	return good;
}

Test(programs_limits, the_count_outlives_every_worker)
{
	char codes[HOLDS][TICKET_CODE_SIZE];

	start("lock");
	hold_and_go(codes);
	cr_assert(kill_all_workers());
	open_anew(&ann);
	ask(&ann, REFUSED, "/hold rush");
	ask(&ann, "+cancelled ", "/cancel %s", codes[0]);
	ask(&ann, "+held ", "/hold rush 5 tied");
	ask(&ann, REFUSED, "/hold rush");
	cr_assert(kill_all_workers());
	open_anew(&ann);
	cr_assert(eventually(left_of(&ann, "rush") == 485), "what was tied to it is free");
	ask(&ann, "+held ", "/hold rush 5");
	ask(&ann, REFUSED, "/hold rush");
}

Test(programs_limits, waiting_and_offers_count)
{
	char code[TICKET_CODE_SIZE], another[TICKET_CODE_SIZE];

	start("lock");
	ask(&ann, "+waiting rush 10 1$", "/wait rush 10");
	expect_offer(&ann, "rush 10", code);
	ask(&bob, "+waiting rush 10 1$", "/wait rush 10");
	expect_offer(&bob, "rush 10", another);
	ask(&ann, REFUSED, "/hold rush");
	ask(&ann, "+booked ", "/confirm %s", code);
	ask(&seller, "+event rush 20$", "/event grow rush -480");
	ask(&bob, "+waiting rush 10 1$", "/wait rush 10"); /* beside the offer that it has */
	ask(&ann, REFUSED, "/wait rush");
	talk_close(&bob);
	cr_assert(eventually(left_of(&ann, "rush") == 10));
	ask(&ann, "+held ", "/hold rush 10");
}

static void open_behind_proxy(struct talk *talk, const char *address)
{
	talk_open(talk, server.lines_port);
	talk_say(talk, "PROXY TCP6 %s 2001:db8::2 1000 7000\r", address);
	talk_expect_start(talk, "+turnstile 1 ");
}

Test(programs_limits, a_64_counts_as_one_address)
{
	turnstiled_start(&server, "--event", "rush=500", "--trust-proxy", "127.0.0.1");
	open_behind_proxy(&ann, "2001:db8:0:1::1");
	ask(&ann, "+held ", "/hold rush 10");
	ask(&ann, "+held ", "/hold rush 10");
	open_behind_proxy(&bob, "2001:db8:0:1:ffff::5");
	ask(&bob, REFUSED, "/hold rush");
	open_behind_proxy(&seller, "2001:db8:0:2::1");
	ask(&seller, "+held ", "/hold rush 10");
}

Test(programs_limits, without_a_limit_nothing_is_refused)
{
	turnstiled_start(&server, "--event", "rush=500", "--max-held", "0", "--max-quantity", "0");
	talk_open_greeted(&ann, server.lines_port);
	ask(&ann, "+held ", "/hold rush 400");
	ask(&ann, "+waiting rush 500 1$", "/wait rush 500");
}

/*
 * Who waits for more than there ever is, holds what there is, and gives it back, again and again:
 * it withholds what it may hold, and nothing else.
 */
Test(programs_limits, a_stranger_keeps_others_from_nothing_but_what_it_may_hold)
{
	char codes[2][TICKET_CODE_SIZE];

	start("lock");
	ask(&seller, "+booked ", "/book rush 10");
	ask(&bob, "-LIMIT ", "/wait rush 500");
	ask(&bob, "-LIMIT ", "/hold rush 490");
	for (int i = 0; i < 50; i++) {
		ask_code(&ann, codes[0], "+held ", "/hold rush 10");
		ask_code(&ann, codes[1], "+held ", "/hold rush 10");
		ask(&ann, REFUSED, "/hold rush");
		cr_assert_eq(left_of(&seller, "rush"), 490 - 20);
		ask(&ann, "+cancelled ", "/cancel %s", codes[0]);
		ask(&ann, "+cancelled ", "/cancel %s", codes[1]);
		cr_assert_eq(left_of(&seller, "rush"), 490);
	}
}

Test(programs_limits, the_joiners_children_count_too)
{
	char codes[HOLDS][TICKET_CODE_SIZE];

	start("join");
	hold_and_go(codes);
	ask(&bob, REFUSED, "/hold rush");
	ask(&bob, "+cancelled ", "/cancel %s", codes[0]);
	ask(&bob, "+held ", "/hold rush 5");
	ask(&bob, REFUSED, "/hold rush");
}
