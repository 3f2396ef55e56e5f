/* Who waits for tickets: in which order, for how long, and that nobody waits for what is free. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/programs/office.h"
#include "tests/programs/watch.h"
#include "tests/support/child.h"

static struct turnstiled server, second;
static struct talk seller, ann, bob, eve;

static void init(void)
{
	turnstiled_init(&server, TURNSTILED);
}

static void finish(void)
{
	turnstiled_finish(&second);
	turnstiled_finish(&server);
}

TestSuite(programs_waiting, .init = init, .fini = finish, .timeout = 60);

/* An event of TOTAL tickets, an operator, and three people on two workers. */
static void start(const char *total)
{
	turnstiled_start(&server, "--workers", "2", "--adopt", "off", "--event",
			 text_of("rush=%s", total), "--op-password-file", password_file(&server));
	open_on(&seller, server.lines_port, 1);
	open_on(&ann, server.lines_port, 2);
	open_on(&bob, server.lines_port, 1);
	open_on(&eve, server.lines_port, 2);
	become_operator(&seller);
}

Test(programs_waiting, with_stock_free_the_offer_comes_at_once)
{
	char code[TICKET_CODE_SIZE];

	start("5");
	ask(&ann, "+waiting rush 2 1$", "/wait rush 2");
	expect_offer(&ann, "rush 2", code);
	ask(&seller, "+left rush 3 5$", "/left rush");
	ask(&seller, text_of("+ticket %s rush 2 held$", code), "/ticket %s", code);
	ask(&ann, text_of("+booked %s rush 2$", code), "/confirm %s", code);
	talk_close(&ann);
	ask(&seller, "+audit rush 2 0 3 5 ok$", "/audit rush");
}

Test(programs_waiting, for_what_can_never_be_is_refused)
{
	start("5");
	ask(&ann, "-BADARG ", "/wait");
	ask(&ann, "-BADARG ", "/wait rush 0");
	ask(&ann, "-BADARG ", "/wait rush 1 key=a-good-long-key-a");
	ask(&ann, "-NOTFOUND ", "/wait none");
	ask(&ann, "-LIMIT ", "/wait rush 6");
	ask(&seller, "+event rush closed$", "/event close rush");
	ask(&ann, "-CLOSED ", "/wait rush");
}

/* Three wait, in this order, for what is sold out. */
static void queue_up(char code[TICKET_CODE_SIZE])
{
	start("2");
	ask_code(&seller, code, "+booked ", "/book rush 2");
	ask(&ann, "+waiting rush 1 1$", "/wait rush");
	ask(&bob, "+waiting rush 1 2$", "/wait rush");
	ask(&eve, "+waiting rush 1 3$", "/wait rush");
}

Test(programs_waiting, who_waits_is_served_in_order_and_told_the_position)
{
	char code[TICKET_CODE_SIZE];

	queue_up(code);
	ask(&bob, "+waiting rush 1 2$", "/wait rush"); /* asking again changes nothing */
	ask(&seller, "+cancelled ", "/cancel %s", code);
	expect_offer(&ann, "rush 1", code);
	expect_offer(&bob, "rush 1", code);
	talk_expect_event(&eve, "*waiting rush 1 1");
	ask(&seller, "-SOLDOUT rush 0$", "/book rush");
	ask(&bob, "+cancelled ", "/cancel %s", code); /* an offer that is not wanted */
	expect_offer(&eve, "rush 1", code);
	ask(&seller, "+audit rush 0 2 0 2 ok$", "/audit rush");
}

Test(programs_waiting, who_leaves_makes_room_for_the_next)
{
	char code[TICKET_CODE_SIZE];

	queue_up(code);
	talk_close(&ann);
	talk_expect_event(&bob, "*waiting rush 1 1");
	talk_expect_event(&eve, "*waiting rush 1 2");
	ask(&seller, "+event rush 3$", "/event grow rush 1");
	expect_offer(&bob, "rush 1", code);
	talk_close(&bob); /* with an offer that it did not take */
	expect_offer(&eve, "rush 1", code);
	ask(&seller, "+audit rush 2 1 0 3 ok$", "/audit rush");
}

Test(programs_waiting, a_hold_that_lapses_is_offered_on)
{
	char code[TICKET_CODE_SIZE];

	start("1");
	ask(&seller, "+held ", "/hold rush ttl=1");
	ask(&ann, "+waiting rush 1 1$", "/wait rush");
	expect_offer(&ann, "rush 1", code);
	ask(&seller, "-SOLDOUT rush 0$", "/book rush");
}

Test(programs_waiting, a_closed_event_offers_nothing_until_it_is_opened)
{
	char code[TICKET_CODE_SIZE];

	queue_up(code);
	ask(&seller, "+event rush closed$", "/event close rush");
	ask(&seller, "+cancelled ", "/cancel %s", code);
	ask(&seller, "+left rush 2 2$", "/left rush");
	ask(&seller, "+event rush open$", "/event open rush");
	talk_expect_event(&ann, "*offer ");
	talk_expect_event(&bob, "*offer ");
	talk_expect_event(&eve, "*waiting rush 1 1");
	ask(&seller, "+left rush 0 2$", "/left rush");
}

Test(programs_waiting, a_killed_workers_waiters_make_room_for_the_next)
{
	char code[TICKET_CODE_SIZE];
	pid_t pid;

	queue_up(code);
	serving(&ann, &pid);
	cr_assert(watch_signal(server.pid, pid, SIGKILL)); /* eve's too */
	talk_expect_event(&bob, "*waiting rush 1 1");
	ask(&seller, "+cancelled ", "/cancel %s", code);
	expect_offer(&bob, "rush 1", code);
	cr_expect(eventually(left_of(&seller, "rush") == 1), "an offer was left to the dead");
	cr_expect(adds_up(&seller, "rush"));
}

/* Groups */

#define PASSES 10

/* One ticket comes back, and smaller ones get it before the group of 3 does, ten times. */
static void pass_the_group(char codes[][TICKET_CODE_SIZE])
{
	char code[TICKET_CODE_SIZE];

	for (int i = 0; i < PASSES; i++) {
		ask(&bob, "+waiting rush 1 2$", "/wait rush");
		ask(&seller, "+cancelled ", "/cancel %s", codes[i]);
		expect_offer(&bob, "rush 1", code);
		ask(&bob, "+booked ", "/confirm %s", code);
	}
}

/* All 13 are sold one by one, ann's group of 3 waits, and was passed over ten times. */
static void sell_out_and_pass_the_group(char codes[PASSES + 3][TICKET_CODE_SIZE])
{
	start("13");
	for (int i = 0; i < PASSES + 3; i++) {
		ask_code(&seller, codes[i], "+booked ", "/book rush");
	}
	ask(&ann, "+waiting rush 3 1$", "/wait rush 3");
	pass_the_group(codes);
}

Test(programs_waiting, a_group_is_passed_over_ten_times_and_then_gathered_for)
{
	char codes[PASSES + 3][TICKET_CODE_SIZE], code[TICKET_CODE_SIZE];

	sell_out_and_pass_the_group(codes);
	ask(&bob, "+waiting rush 1 2$", "/wait rush");
	ask(&seller, "+cancelled ", "/cancel %s", codes[PASSES]);
	ask(&seller, "+left rush 0 13$", "/left rush");
	ask(&seller, "-SOLDOUT rush 0$", "/book rush");
	ask(&seller, "-SOLDOUT rush 0$", "/hold rush");
	ask(&seller, "+audit rush 12 1 0 13 ok$", "/audit rush");
	ask(&seller, "+event rush 14$", "/event grow rush 1");
	expect_offer(&bob, "rush 1", code); /* what grows is not gathered */
	ask(&seller, "+cancelled ", "/cancel %s", codes[PASSES + 1]);
	ask(&seller, "+audit rush 11 3 0 14 ok$", "/audit rush");
	ask(&seller, "+cancelled ", "/cancel %s", codes[PASSES + 2]);
	expect_offer(&ann, "rush 3", code);
	ask(&ann, text_of("+booked %s rush 3$", code), "/confirm %s", code);
	ask(&seller, "+audit rush 13 1 0 14 ok$", "/audit rush");
}

Test(programs_waiting, what_is_free_goes_to_anybody_while_a_group_is_gathered_for)
{
	char codes[PASSES + 3][TICKET_CODE_SIZE], code[TICKET_CODE_SIZE];

	sell_out_and_pass_the_group(codes);
	ask(&seller, "+cancelled ", "/cancel %s", codes[PASSES]);
	ask(&seller, "+event rush 14$", "/event grow rush 1");
	ask(&seller, "+left rush 1 14$", "/left rush");
	ask(&seller, "+booked ", "/book rush");
	ask(&seller, "+event rush 16$", "/event grow rush 2");
	expect_offer(&ann, "rush 3", code); /* with what is free it is complete */
	ask(&seller, "+audit rush 13 3 0 16 ok$", "/audit rush");
}

Test(programs_waiting, a_group_that_leaves_gives_back_what_was_gathered)
{
	char codes[PASSES + 3][TICKET_CODE_SIZE];

	sell_out_and_pass_the_group(codes);
	ask(&seller, "+cancelled ", "/cancel %s", codes[PASSES]);
	ask(&seller, "-SOLDOUT rush 0$", "/book rush");
	talk_close(&ann);
	cr_assert(eventually(left_of(&seller, "rush") == 1));
	ask(&seller, "+booked ", "/book rush");
}

Test(programs_waiting, a_killed_workers_group_gives_back_what_was_gathered)
{
	char codes[PASSES + 3][TICKET_CODE_SIZE];
	pid_t pid;

	sell_out_and_pass_the_group(codes);
	ask(&seller, "+cancelled ", "/cancel %s", codes[PASSES]);
	ask(&seller, "+left rush 0 13$", "/left rush");
	serving(&ann, &pid);
	cr_assert(watch_signal(server.pid, pid, SIGKILL));
	cr_assert(eventually(left_of(&seller, "rush") == 1));
	ask(&seller, "+audit rush 12 0 1 13 ok$", "/audit rush");
}

/* Two servers */

static struct talk third; /* at the second one, on the same store */

static void start_second(void)
{
	turnstiled_init(&second, TURNSTILED);
	turnstiled_start(&second, "--workers", "1", "--store",
			 store_url(&server, "sqlite", "turnstile.db"));
	talk_open_greeted(&third, second.lines_port);
}

Test(programs_waiting, what_another_server_gives_back_is_offered_too)
{
	char code[TICKET_CODE_SIZE];

	start("2");
	start_second();
	ask_code(&third, code, "+booked ", "/book rush 2");
	ask(&ann, "+waiting rush 1 1$", "/wait rush");
	ask(&third, "+cancelled ", "/cancel %s", code);
	expect_offer(&ann, "rush 1", code);
	ask(&seller, "+audit rush 0 1 1 2 ok$", "/audit rush");
}

Test(programs_waiting, another_server_does_not_sell_what_is_gathered)
{
	char codes[PASSES + 3][TICKET_CODE_SIZE], code[TICKET_CODE_SIZE];

	sell_out_and_pass_the_group(codes);
	start_second();
	ask(&seller, "+cancelled ", "/cancel %s", codes[PASSES]);
	ask(&third, "-SOLDOUT rush 0$", "/book rush");
	ask(&third, "+audit rush 12 1 0 13 ok$", "/audit rush");
	ask(&seller, "+cancelled ", "/cancel %s", codes[PASSES + 1]);
	ask(&seller, "+cancelled ", "/cancel %s", codes[PASSES + 2]);
	expect_offer(&ann, "rush 3", code);
	ask(&third, text_of("+booked %s rush 3$", code), "/confirm %s", code);
	ask(&third, "+audit rush 13 0 0 13 ok$", "/audit rush");
}

/* Many, while workers are killed */

#define WAITERS  200
#define TICKETS  20
#define SURGE_NS (3 * NS_PER_SECOND)

struct waiter {
	struct talk talk;
	unsigned number;
	bool offered;
	bool done; /* with an offer */
};

static struct waiter waiters[WAITERS];

/* A new connection that waits; it may be lost again before anything comes of it. */
static void queue_anew(struct waiter *waiter)
{
	if (waiter->talk.descriptor > 0) {
		talk_close(&waiter->talk);
	}
	talk_open(&waiter->talk, server.lines_port);
	waiter->offered = false;
	waiter->done = false;
	(void)!send(waiter->talk.descriptor, "/wait rush\n", 11, MSG_NOSIGNAL);
}

static void send_back(struct waiter *waiter, const char *lines)
{
	(void)!send(waiter->talk.descriptor, lines, strlen(lines), MSG_NOSIGNAL);
}

/* One does not want it, one buys and regrets it, one goes away. */
static void use_offer(struct waiter *waiter, const char *code)
{
	switch (waiter->number++ % 3) {
	case 0: send_back(waiter, text_of("/cancel %s\n", code)); break;
	case 1: send_back(waiter, text_of("/confirm %s\n/cancel %s\n", code, code)); break;
	default: waiter->done = true;
	}
}

static void take_line(struct waiter *waiter, const char *line, bool uses)
{
	char code[TICKET_CODE_SIZE];

	if (strncmp(line, "-INTERRUPTED ", 13) == 0) {
		waiter->done = true; /* who cannot know what it has goes away */
		return;
	}
	cr_assert(line[0] != '-' || strncmp(line, "-BUSY ", 6) == 0, "a waiter got '%s'", line);
	if (strncmp(line, "*offer ", 7) == 0) {
		cr_assert(!waiter->offered, "two offers");
		waiter->offered = true;
		code_in(line, code);
		if (uses) {
			use_offer(waiter, code);
		}
	}
	waiter->done |= strncmp(line, "+cancelled ", 11) == 0;
}

/* Takes what came; false when the connection ended. */
static bool hear(struct waiter *waiter, bool uses)
{
	struct talk *talk = &waiter->talk;
	char *end;
	ssize_t count = recv(talk->descriptor, talk->bytes + talk->end,
			     sizeof(talk->bytes) - talk->end, MSG_DONTWAIT);
	bool there = count > 0 || (count < 0 && errno == EAGAIN);

	talk->end += count > 0 ? (size_t)count : 0;
	while ((end = memchr(talk->bytes + talk->start, '\n', talk->end - talk->start))) {
		*end = '\0';
		take_line(waiter, talk->bytes + talk->start, uses);
		talk->start = (size_t)(end + 1 - talk->bytes);
	}
	if (talk->start == talk->end) {
		talk->start = talk->end = 0;
	}
	return there;
}

/* Everyone uses what is offered, and then, or when the connection is lost, queues anew. */
static void surge(void)
{
	for (unsigned i = 0; i < WAITERS; i++) {
		if (!hear(&waiters[i], true) || waiters[i].done) {
			queue_anew(&waiters[i]);
		}
	}
	clock_sleep(NS_PER_MS);
}

/* How many have an offer and did not go yet; with that many, somebody may still get one. */
static unsigned with_offer(void)
{
	unsigned count = 0;

	for (unsigned i = 0; i < WAITERS; i++) {
		if (waiters[i].talk.descriptor < 0) {
			continue;
		}
		cr_assert(hear(&waiters[i], false), "a connection was lost without a kill");
		count += waiters[i].offered;
	}
	return count;
}

/* Those who have an offer go; returns how many. */
static unsigned let_go(void)
{
	unsigned count = 0;

	for (unsigned i = 0; i < WAITERS; i++) {
		if (waiters[i].talk.descriptor >= 0 && waiters[i].offered) {
			talk_close(&waiters[i].talk);
			count++;
		}
	}
	return count;
}

/* Everybody waits anew; as many as there are tickets have an offer, until all have had one. */
static void serve_everybody(struct talk *watcher, unsigned tickets)
{
	for (unsigned i = 0; i < WAITERS; i++) {
		queue_anew(&waiters[i]);
	}
	for (unsigned rest = WAITERS; rest > 0; rest -= let_go()) {
		unsigned expected = rest < tickets ? rest : tickets;
		cr_assert(eventually(with_offer() == expected),
			  "%u of %u have an offer of %u tickets; %s", with_offer(), rest, tickets,
			  ask(watcher, "+audit ", "/audit rush"));
	}
}

Test(programs_waiting, nobody_alive_waits_for_what_is_free_whichever_worker_is_killed)
{
	static struct talk watcher;
	struct killer killer;
	unsigned sold = 0;

	turnstiled_start(&server, "--workers", "4", "--event", "rush=20", "--max-held", "0");
	for (unsigned i = 0; i < WAITERS; i++) {
		waiters[i].number = i;
		queue_anew(&waiters[i]);
	}
	killer_start(&killer, server.pid, 200 * NS_PER_MS);
	const int64_t end_ns = clock_deadline(SURGE_NS);

	while (clock_monotonic_ns() < end_ns || killer.kills <= 5) {
		surge();
	}
	killer_stop(&killer);
	talk_open_greeted(&watcher, server.lines_port);
	/* Who was cut off between buying and regretting it keeps the ticket. */
	sscanf(ask(&watcher, "+audit ", "/audit rush"), "+audit rush %u", &sold);
	serve_everybody(&watcher, TICKETS - sold);
	cr_assert(eventually(left_of(&watcher, "rush") == TICKETS - sold));
	cr_expect(adds_up(&watcher, "rush"));
}
