/* The grammar of lines, over real sockets: cut anywhere, hostile, pipelined, half-closed. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "shared/base/clock.h"
#include "tests/programs/watch.h"
#include "tests/support/child.h"
#include "tests/support/server.h"

#define MEGABYTE ((size_t)1 << 20)
#ifdef __SANITIZE_ADDRESS__
#define MEMORY_GROWTH 65536 /* what was freed is kept a while, to find who uses it */
#else
#define MEMORY_GROWTH 4096 /* KiB that a server may grow by, whatever is sent to it */
#endif
#define BAD "\xEF\xBF\xBD"

static struct turnstiled server;

static void init(void)
{
	turnstiled_init(&server, TURNSTILED);
}

static void finish(void)
{
	turnstiled_finish(&server);
}

TestSuite(programs_lines, .init = init, .fini = finish, .timeout = 120);

#define WRITE(talk, literal) talk_write((talk), (literal), sizeof(literal) - 1)

/* Returns when the one worker has read all that was sent to it before. */
static void let_it_read(struct talk *other)
{
	talk_ask(other, "/ping", "+pong");
}

static const char sample[] = "\xFF\xFD\x01/ping \xFF\xFFone\r\n"
			     "\r\0\n\n"
			     "/book rush 3\n/left rush\r\0\n"
			     "hello\n"
			     "\xFF\xFA\x18\x00xterm\xFF\xF0/PING  two  words \n"
			     "/nope\n"
			     "/join #r\xC3\xA4um\n"
			     "//hello\n"
			     "/quit\n";

static void expect_sample(struct talk *talk)
{
	char answer[3];

	talk_expect_start(talk, "+turnstile 1 ");
	talk_read(talk, answer, sizeof(answer));
	cr_assert_arr_eq(answer, "\xFF\xFC\x01", 3);
	talk_expect(talk, "+pong " BAD "one");
	talk_expect(talk, "-SOLDOUT rush 2");
	talk_expect(talk, "+left rush 2 2");
	talk_expect_start(talk, "-NOROOM ");
	talk_expect(talk, "+pong two  words");
	talk_expect_start(talk, "-BADCMD ");
	talk_expect(talk, "+join #r\xC3\xA4um 1");
	talk_expect(talk, "+bye");
	talk_expect_end(talk);
	talk_close(talk);
}

Test(programs_lines, input_cut_at_any_byte_gets_the_same_answers)
{
	static struct talk talk, other;

	turnstiled_start(&server, "--workers", "1", "--event", "rush=2");
	talk_open_greeted(&other, server.lines_port);
	for (size_t cut = 0; cut < sizeof(sample); cut++) {
		talk_open(&talk, server.lines_port);
		talk_write(&talk, sample, cut);
		let_it_read(&other);
		talk_write(&talk, sample + cut, sizeof(sample) - 1 - cut);
		expect_sample(&talk);
	}
}

Test(programs_lines, input_byte_by_byte_gets_the_same_answers)
{
	static struct talk talk, other;

	turnstiled_start(&server, "--workers", "1", "--event", "rush=2");
	talk_open_greeted(&other, server.lines_port);
	talk_open(&talk, server.lines_port);
	for (size_t i = 0; i < sizeof(sample) - 1; i++) {
		talk_write(&talk, sample + i, 1);
		let_it_read(&other);
	}
	expect_sample(&talk);
}

Test(programs_lines, fifty_megabytes_without_an_end_are_refused_once_and_take_no_memory)
{
	static struct talk talk;
	static char text[MEGABYTE];

	memset(text, 'x', sizeof(text));
	turnstiled_start(&server, "--workers", "1");
	talk_open_greeted(&talk, server.lines_port);
	long before = watch_children_memory_kib(server.pid);
	for (int i = 0; i < 50; i++) {
		talk_write(&talk, text, sizeof(text));
	}
	WRITE(&talk, "\n/ping\n");
	talk_expect_start(&talk, "-TOOLONG ");
	talk_expect(&talk, "+pong");
	cr_expect_lt(watch_children_memory_kib(server.pid) - before, MEMORY_GROWTH);
}

Test(programs_lines, a_line_may_have_1024_bytes_and_not_one_more)
{
	static struct talk talk;
	char line[1100];

	memset(line, 'a', sizeof(line));
	turnstiled_start(&server, "--workers", "1");
	talk_open_greeted(&talk, server.lines_port);
	talk_say(&talk, "/ping %.*s", 1024 - 6, line);
	cr_expect_eq(strlen(talk_expect_start(&talk, "+pong aaaa")), 1024);
	talk_say(&talk, "/ping %.*s", 1025 - 6, line);
	talk_expect_start(&talk, "-TOOLONG ");
	talk_say(&talk, "/ping %.*s\r", 1024 - 6, line);
	talk_expect_start(&talk, "+pong aaaa");
}

Test(programs_lines, a_page_in_a_browser_cannot_talk_to_it)
{
	static const char *const starts[] = { "GET / HTTP/1.1",        "POST / HTTP/1.1",
					      "PUT /x HTTP/1.0",       "HEAD / HTTP/1.1",
					      "OPTIONS * HTTP/1.1",    "Host: localhost",
					      "\r\n\r\nGET / HTTP/1.1" };
	static struct talk talk;

	turnstiled_start(&server, "--workers", "1", "--event", "rush=2");
	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		talk_open_greeted(&talk, server.lines_port);
		talk_say(&talk, "%s\n/book rush", starts[i]);
		talk_expect_end(&talk);
		talk_close(&talk);
	}
	talk_open_greeted(&talk, server.lines_port);
	talk_ask(&talk, "/left rush", "+left rush 2 2");
	talk_ask(&talk, "GET / is text from the second line on", "-NOROOM ");
}

Test(programs_lines, who_half_closes_still_gets_every_answer_but_not_to_half_a_line)
{
	static struct talk talk, other;

	turnstiled_start(&server, "--workers", "2", "--event", "rush=20");
	talk_open_greeted(&talk, server.lines_port);
	WRITE(&talk,
	      "/ping 1\n/book rush 2\n/ping 2\n/book rush 3 key=a-good-long-key-k\n/book rush 10");
	talk_end_output(&talk);
	talk_expect(&talk, "+pong 1");
	talk_expect_start(&talk, "+booked ");
	talk_expect(&talk, "+pong 2");
	talk_expect_start(&talk, "+booked ");
	talk_expect_end(&talk);
	talk_open_greeted(&other, server.lines_port);
	talk_ask(&other, "/left rush", "+left rush 15 20");
}

/* Pipelining */

#define PIPELINED 2000

/* The Nth line of a mix, and how the answer to it starts. */
static void choose_line(unsigned n, unsigned seed, char *line, char *answer, size_t size)
{
	static const char *const fixed[][2] = {
		{ "/nope", "-BADCMD " },          { "/book", "-BADARG " },
		{ "/book none 1", "-NOTFOUND " }, { "/book rush 0", "-BADARG " },
		{ "/workers", "-DENIED " },       { "/left rush", "+left rush " },
		{ "said to nobody", "-NOROOM " }, { "/event new a 1", "-DENIED " }
	};
	const size_t count = sizeof(fixed) / sizeof(fixed[0]);

	if (seed % 16 < count) {
		snprintf(line, size, "%s", fixed[seed % 16][0]);
		snprintf(answer, size, "%s", fixed[seed % 16][1]);
	} else if (seed % 16 == 15) {
		snprintf(line, size, "%01100u", n);
		snprintf(answer, size, "-TOOLONG ");
	} else if (seed % 16 >= 11) {
		snprintf(line, size, "/book rush %u", n % 7 + 1);
		snprintf(answer, size, "+booked ");
	} else {
		snprintf(line, size, "/ping %u", n);
		snprintf(answer, size, "+pong %u", n);
	}
}

/* A booking's answer ends with what was asked for. */
static void check_quantity(const char *line, unsigned n)
{
	const char *quantity = strrchr(line, ' ');

	if (strncmp(line, "+booked ", 8) == 0) {
		cr_assert_eq(strtoul(quantity, NULL, 10), n % 7 + 1, "%s", line);
	}
}

Test(programs_lines, pipelined_commands_are_answered_in_their_order_bookings_among_them)
{
	static struct talk talk;
	static unsigned seeds[PIPELINED];
	char line[1200], answer[1200];
	unsigned seed = 7;

	turnstiled_start(&server, "--workers", "2", "--event", "rush=100000");
	talk_open_greeted(&talk, server.lines_port);
	for (unsigned n = 0; n < PIPELINED; n++) {
		seeds[n] = (unsigned)rand_r(&seed);
		choose_line(n, seeds[n], line, answer, sizeof(line));
		talk_say(&talk, "%s", line);
	}
	for (unsigned n = 0; n < PIPELINED; n++) {
		choose_line(n, seeds[n], line, answer, sizeof(line));
		check_quantity(talk_expect_start(&talk, answer), n);
	}
	talk_ask(&talk, "/ping the end", "+pong the end");
}

/* What users write to each other */

Test(programs_lines, what_one_user_sends_to_another_carries_no_tricks)
{
	static struct talk from, to;

	turnstiled_start(&server, "--workers", "2");
	talk_open_greeted(&from, server.lines_port);
	talk_open_greeted(&to, server.lines_port);
	talk_ask(&from, "/nick from", "+nick from");
	talk_ask(&to, "/nick to", "+nick to");
	talk_ask(&from, "/join #r", "+join #r 1");
	talk_ask(&to, "/join #r", "+join #r 2");
	talk_expect(&from, "*join #r to");

	WRITE(&from, "/say a\x1B[31mb\0c\x7F\xC2\x9B\td\r\r\n");
	talk_expect(&to, "*say #r from a" BAD "[31mb" BAD "c" BAD BAD " d" BAD);
	WRITE(&from, "a\xE2\x80\xAE\xE2\x81\xA6z \xC0\xAF \xED\xA0\x80 \xF0\x9F\x98\x80\n");
	talk_expect(&to, "*say #r from a" BAD BAD "z " BAD BAD " " BAD BAD BAD " \xF0\x9F\x98\x80");
	WRITE(&from, "/tell to \x07\xE2\x80\xAE.\n");
	talk_expect(&to, "*tell from " BAD BAD ".");
	WRITE(&from, "/quit \x1B]0;\xE2\x81\xA9.\n");
	talk_expect(&to, "*part #r from " BAD "]0;" BAD ".");
	talk_expect(&from, "+say #r");
	talk_expect(&from, "+tell to");
	talk_expect(&from, "+bye");
}

Test(programs_lines, no_nick_carries_tricks)
{
	static const char *const nicks[] = { "a\x1B[1m",
					     "a\x7F",
					     "\xE2\x80\xAE"
					     "abc",
					     "a\xC2\x9B",
					     "a\xFF"
					     "b",
					     "a b",
					     "\xE2\x80\x8B",
					     "#a",
					     "a*" };
	static struct talk talk;

	turnstiled_start(&server, "--workers", "1");
	talk_open_greeted(&talk, server.lines_port);
	for (size_t i = 0; i < sizeof(nicks) / sizeof(nicks[0]); i++) {
		talk_say(&talk, "/nick %s", nicks[i]);
		talk_expect_start(&talk, strcmp(nicks[i], "a\xFF"
							  "b") == 0
						 ? ""
						 : "-BADARG ");
	}
	talk_ask(&talk, "/nick \xD0\x98\xD0\xB2\xD0\xB0\xD0\xBD-1_", "+nick \xD0\x98");
}

#define NICK_ROUNDS 300

Test(programs_lines, a_nick_claimed_on_two_workers_at_once_is_given_to_one)
{
	static struct talk talks[2];
	unsigned wins[2] = { 0, 0 };

	turnstiled_start(&server, "--workers", "2");
	open_on(&talks[0], server.lines_port, 1);
	open_on(&talks[1], server.lines_port, 2);
	for (int round = 0; round < NICK_ROUNDS; round++) {
		bool got[2];
		talk_say(&talks[round % 2], "/nick Name%d", round);
		talk_say(&talks[1 - round % 2], "/nick nAME%d", round);
		for (int i = 0; i < 2; i++) {
			got[i] = talk_line(&talks[i])[0] == '+';
			wins[i] += got[i];
			if (!got[i]) {
				cr_assert_eq(strncmp(talks[i].line, "-NICKINUSE ", 11), 0, "%s",
					     talks[i].line);
			}
		}
		cr_assert_neq(got[0], got[1], "round %d: both or none", round);
	}
	cr_expect_eq(wins[0] + wins[1], NICK_ROUNDS);
}

/* Receivers that do not read, senders that do not stop */

Test(programs_lines, who_floods_with_commands_and_never_reads_waits_in_bounded_memory)
{
	static struct talk flood, other;
	static char text[MEGABYTE];

	turnstiled_start(&server, "--workers", "1", "--send-queue", "256KiB");
	talk_open_greeted(&other, server.lines_port);
	talk_open_greeted(&flood, server.lines_port);
	for (size_t i = 0; i + 6 <= sizeof(text); i += 6) {
		memcpy(text + i, "/help\n", 6);
	}
	long before = watch_children_memory_kib(server.pid);
	long most = 0;
	for (int i = 0; i < 8; i++) {
		ssize_t ignored =
			send(flood.descriptor, text, sizeof(text), MSG_NOSIGNAL | MSG_DONTWAIT);
		(void)ignored;
		talk_ask(&other, "/ping", "+pong");
		long memory = watch_children_memory_kib(server.pid);
		most = memory > most ? memory : most;
	}
	cr_expect_lt(most - before, MEMORY_GROWTH, "%ld KiB became %ld", before, most);
	cr_expect(eventually(stat_of(&other, "turnstile_connections") == 2),
		  "it is not read from, and that is all");
}

Test(programs_lines, above_the_rate_lines_are_refused_and_not_carried_out)
{
	static struct talk talk;
	unsigned refused = 0;

	turnstiled_start(&server, "--workers", "1", "--rate", "1");
	talk_open_greeted(&talk, server.lines_port);
	for (int i = 0; i < 20; i++) {
		talk_say(&talk, "/ping");
	}
	for (int i = 0; i < 20; i++) {
		refused += strncmp(talk_line(&talk), "-RATE ", 6) == 0;
	}
	cr_expect_geq(refused, 10);
	cr_expect_leq(refused, 18);
}
