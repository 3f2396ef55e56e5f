/* Tickets while everything dies: sold once, never more than there are, and found again. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "tests/programs/watch.h"
#include "tests/support/child.h"
#include "tests/support/server.h"

#define BUYERS     300
#define TICKETS    200
#define ROUNDS_MAX 40 /* events, one sold out in each round */
#define KILLS      10
#define CODE_SIZE  20 /* bytes, a NUL counted in */

static struct turnstiled server;

static void init(void)
{
	turnstiled_init(&server, TURNSTILED);
}

static void finish(void)
{
	turnstiled_finish(&server);
}

TestSuite(programs_booking, .init = init, .fini = finish, .timeout = 120);

enum outcome { OUTCOME_NONE, OUTCOME_BOOKED, OUTCOME_SOLD_OUT };

struct buyer {
	int socket; /* 0: not connected */
	unsigned number;
	unsigned lost; /* connections */
	enum outcome outcome;
	size_t length;
	char bytes[1024];
};

static struct buyer buyers[BUYERS];
static char codes[ROUNDS_MAX][BUYERS][CODE_SIZE]; /* "" where there was nothing left */

static void ask(struct buyer *buyer, unsigned round)
{
	char line[64];
	int length = snprintf(line, sizeof(line), "/book rush%u key=a-good-long-key-buyer-%u-%u\n",
			      round, buyer->number, round);

	/* If it fails, so will the next read, and it is asked again. */
	(void)!send(buyer->socket, line, (size_t)length, MSG_NOSIGNAL);
}

static void connect_and_ask(struct buyer *buyer, unsigned round)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons(server.lines_port),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	if (buyer->socket > 0) {
		close(buyer->socket);
		buyer->lost++;
	}
	buyer->length = 0;
	buyer->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(connect(buyer->socket, (struct sockaddr *)&address, sizeof(address)), 0);
	ask(buyer, round);
}

static void take_line(struct buyer *buyer, const char *line, unsigned round)
{
	char event[32], expected[32];

	if (line[0] == '*' || strncmp(line, "+turnstile 1 ", 13) == 0) {
		return;
	}
	cr_assert_eq(buyer->outcome, OUTCOME_NONE, "answered twice: '%s'", line);
	if (strncmp(line, "-SOLDOUT ", 9) == 0) {
		buyer->outcome = OUTCOME_SOLD_OUT;
		return;
	}
	snprintf(expected, sizeof(expected), "rush%u", round);
	cr_assert_eq(sscanf(line, "+booked %19s %31s 1", codes[round][buyer->number], event), 2,
		     "'%s'", line);
	cr_assert_str_eq(event, expected);
	buyer->outcome = OUTCOME_BOOKED;
}

/* Takes what came; asks again on a new connection when this one ended without an answer. */
static void hear(struct buyer *buyer, unsigned round)
{
	ssize_t count = recv(buyer->socket, buyer->bytes + buyer->length,
			     sizeof(buyer->bytes) - buyer->length, MSG_DONTWAIT);
	const char *end;

	if (count <= 0) {
		if (count == 0 || errno != EAGAIN) {
			connect_and_ask(buyer, round);
		}
		return;
	}
	buyer->length += (size_t)count;
	while ((end = memchr(buyer->bytes, '\n', buyer->length))) {
		size_t length = (size_t)(end - buyer->bytes);
		buyer->bytes[length] = '\0';
		take_line(buyer, buyer->bytes, round);
		buyer->length -= length + 1;
		memmove(buyer->bytes, buyer->bytes + length + 1, buyer->length);
	}
}

/* Hears those who have something to read; false when all have their answer. */
static bool hear_all(unsigned round)
{
	struct pollfd sockets[BUYERS];
	struct buyer *asking[BUYERS];
	nfds_t count = 0;

	for (unsigned i = 0; i < BUYERS; i++) {
		if (buyers[i].outcome == OUTCOME_NONE) {
			asking[count] = &buyers[i];
			sockets[count++] =
				(struct pollfd){ .fd = buyers[i].socket, .events = POLLIN };
		}
	}
	poll(sockets, count, 100);
	for (nfds_t i = 0; i < count; i++) {
		if (sockets[i].revents != 0) {
			hear(asking[i], round);
		}
	}
	return count > 0;
}

/* All ask for one ticket of this round's event, again and again until they know. */
static void sell_out(unsigned round)
{
	const int64_t deadline_ns = clock_deadline(20 * NS_PER_SECOND);
	unsigned booked = 0;

	for (unsigned i = 0; i < BUYERS; i++) {
		buyers[i].number = i;
		buyers[i].outcome = OUTCOME_NONE;
		if (buyers[i].socket > 0) {
			ask(&buyers[i], round);
		} else {
			connect_and_ask(&buyers[i], round);
		}
	}
	while (hear_all(round)) {
		cr_assert_lt(clock_monotonic_ns(), deadline_ns, "a buyer gets no answer");
	}
	for (unsigned i = 0; i < BUYERS; i++) {
		booked += buyers[i].outcome == OUTCOME_BOOKED;
	}
	cr_assert_eq(booked, TICKETS, "round %u: %u were sold", round, booked);
}

static int compare_codes(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void check_codes_differ(unsigned round)
{
	char sorted[BUYERS][CODE_SIZE];

	memcpy(sorted, codes[round], sizeof(sorted));
	qsort(sorted, BUYERS, CODE_SIZE, compare_codes);
	for (unsigned i = 1; i < BUYERS; i++) {
		cr_assert(sorted[i][0] == '\0' || strcmp(sorted[i - 1], sorted[i]) != 0,
			  "%s was given twice", sorted[i]);
	}
}

/* Everyone who was answered asks once more: the same code, and nobody else gets one. */
static void check_found_again(struct talk *talk, unsigned round)
{
	char expected[128];

	for (unsigned i = 0; i < BUYERS; i++) {
		talk_say(talk, "/book rush%u key=a-good-long-key-buyer-%u-%u", round, i, round);
	}
	for (unsigned i = 0; i < BUYERS; i++) {
		if (codes[round][i][0] != '\0') {
			snprintf(expected, sizeof(expected), "+booked %s rush%u 1", codes[round][i],
				 round);
		} else {
			snprintf(expected, sizeof(expected), "-SOLDOUT rush%u 0", round);
		}
		talk_expect(talk, expected);
	}
	talk_say(talk, "/left rush%u", round);
	snprintf(expected, sizeof(expected), "+left rush%u 0 %d", round, TICKETS);
	talk_expect(talk, expected);
}

/* The arguments for as many events as there may be rounds. */
static void start_with_events(void)
{
	static char events[ROUNDS_MAX][32];
	const char *arguments[2 * ROUNDS_MAX + 5];
	size_t count = 0;

	arguments[count++] = "--workers";
	arguments[count++] = "4";
	arguments[count++] = "--adopt"; /* connections are to be lost, and asked again on others */
	arguments[count++] = "off";
	for (unsigned i = 0; i < ROUNDS_MAX; i++) {
		snprintf(events[i], sizeof(events[i]), "--event=rush%u=%d", i, TICKETS);
		arguments[count++] = events[i];
	}
	arguments[count] = NULL;
	turnstiled_start_with(&server, arguments);
}

Test(programs_booking,
     exactly_all_tickets_are_sold_while_workers_are_killed_and_all_are_found_again)
{
	static struct talk talk;
	struct killer killer;
	unsigned rounds = 0, lost = 0;

	start_with_events();
	killer_start(&killer, server.pid, 100 * NS_PER_MS);
	while (rounds < ROUNDS_MAX && killer.kills < KILLS) {
		sell_out(rounds++);
	}
	killer_stop(&killer);
	for (unsigned i = 0; i < BUYERS; i++) {
		lost += buyers[i].lost;
	}
	cr_expect_gt(lost, 0, "nobody lost a connection");
	turnstiled_kill(&server);

	turnstiled_start(&server, "--workers", "4");
	talk_open_greeted(&talk, server.lines_port);
	for (unsigned round = 0; round < rounds; round++) {
		check_codes_differ(round);
		check_found_again(&talk, round);
	}
}

/* Ends while bookings are on their way */

#define PIPELINED 2000

static void pipeline(struct talk *talk)
{
	for (unsigned i = 0; i < PIPELINED; i++) {
		talk_say(talk, "/book rush key=a-good-long-key-k%u", i);
	}
}

/* Reads to the end; notes the codes, in order; returns how many. */
static unsigned read_codes(struct talk *talk, char (*found)[CODE_SIZE], bool *noticed)
{
	const int64_t deadline_ns = clock_deadline(TALK_TIMEOUT_NS);
	char line[256];
	size_t begun = talk->end - talk->start; /* of a line whose rest is still to come */
	unsigned count = 0;
	FILE *stream = fdopen(talk->descriptor, "r");

	cr_assert_lt(begun, sizeof(line));
	memcpy(line, talk->bytes + talk->start, begun);
	for (; fgets(line + begun, (int)(sizeof(line) - begun), stream); begun = 0) {
		cr_assert_lt(clock_monotonic_ns(), deadline_ns);
		count += sscanf(line, "+booked %19s", found[count]) == 1;
		*noticed |= strncmp(line, "*notice ", 8) == 0;
	}
	fclose(stream);
	return count;
}

static unsigned left_after_restart(char (*found)[CODE_SIZE], unsigned count)
{
	static struct talk talk;
	unsigned left = 0;

	turnstiled_start(&server, "--workers", "2");
	talk_open_greeted(&talk, server.lines_port);
	talk_say(&talk, "/left rush");
	sscanf(talk_expect_start(&talk, "+left rush "), "+left rush %u", &left);
	for (unsigned i = 0; i < count; i++) {
		char code[CODE_SIZE] = "";
		talk_say(&talk, "/book rush key=a-good-long-key-k%u", i);
		sscanf(talk_expect_answer(&talk, "+booked "), "+booked %19s", code);
		cr_assert_str_eq(code, found[i]);
	}
	return left;
}

/* Ends the server by SIGNAL when the first answers are there; returns how many were answered. */
static unsigned end_amid_bookings(int signal, char (*found)[CODE_SIZE], bool *noticed)
{
	static struct talk talk;

	turnstiled_start(&server, "--workers", "2", "--event", "rush=100000");
	talk_open_greeted(&talk, server.lines_port);
	pipeline(&talk);
	sscanf(talk_expect_start(&talk, "+booked "), "+booked %19s", found[0]);
	unsigned count = 1;
	while (talk.start < talk.end &&
	       memchr(talk.bytes + talk.start, '\n', talk.end - talk.start)) {
		sscanf(talk_expect_start(&talk, "+booked "), "+booked %19s", found[count++]);
	}
	kill(server.pid, signal);
	count += read_codes(&talk, found + count, noticed);
	cr_assert(eventually(watch_state(server.pid) == 'Z'));
	cr_expect_eq(turnstiled_stop(&server), 0);
	return count;
}

Test(programs_booking, a_drain_answers_the_bookings_on_their_way_and_carries_out_no_others)
{
	static char found[PIPELINED + 1][CODE_SIZE];
	bool noticed = false;

	unsigned count = end_amid_bookings(SIGTERM, found, &noticed);
	cr_expect(noticed);
	cr_expect_eq(left_after_restart(found, count), 100000 - count);
}

Test(programs_booking, going_at_once_loses_nothing_that_was_acknowledged)
{
	static char found[PIPELINED + 1][CODE_SIZE];
	bool noticed = false;

	unsigned count = end_amid_bookings(SIGQUIT, found, &noticed);
	cr_expect_leq(left_after_restart(found, count), 100000 - count);
}

Test(programs_booking, the_same_key_on_many_connections_at_once_is_sold_once)
{
	static struct talk talks[64];
	char code[CODE_SIZE], again[CODE_SIZE];

	turnstiled_start(&server, "--workers", "4", "--event", "rush=100");
	for (unsigned i = 0; i < 64; i++) {
		talk_open_greeted(&talks[i], server.lines_port);
	}
	for (unsigned i = 0; i < 64; i++) {
		talk_say(&talks[i], "/book rush 3 key=a-good-long-key-the-same");
	}
	sscanf(talk_expect_start(&talks[0], "+booked "), "+booked %19s", code);
	for (unsigned i = 1; i < 64; i++) {
		sscanf(talk_expect_start(&talks[i], "+booked "), "+booked %19s", again);
		cr_expect_str_eq(code, again);
	}
	talk_ask(&talks[0], "/left rush", "+left rush 97 100");
}
