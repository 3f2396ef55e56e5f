#include <criterion/criterion.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/chat/conversation.h"
#include "shared/base/clock.h"

/* 2026-11-20 10:00 UTC */
#define NOW_NS (INT64_C(1795168800) * NS_PER_SECOND)

static struct conversation *conversation;

static void start(void)
{
	setlocale(LC_CTYPE, "C.UTF-8");
	setenv("TZ", "UTC0", 1);
	tzset();
	conversation = malloc(sizeof(*conversation));
	conversation_init(conversation, (struct render_style){ .rich = true }, 0x5EED);
}

static void finish(void)
{
	free(conversation);
}

TestSuite(conversation, .init = start, .fini = finish);

static void hear(const char *line)
{
	conversation_hear(conversation, span_of(line), NOW_NS);
}

static void type(const char *line)
{
	conversation_type(conversation, span_of(line), NOW_NS);
}

static void expect_sent(const char *expected)
{
	conversation->out[conversation->out_length] = '\0';
	cr_expect_str_eq(conversation->out, expected, "it sends '%s', not '%s'", conversation->out,
			 expected);
	conversation_sent(conversation, conversation->out_length);
}

static void expect_shown(const char *expected)
{
	conversation->shown[conversation->shown_length] = '\0';
	cr_expect_str_eq(conversation->shown, expected, "it shows '%s', not '%s'",
			 conversation->shown, expected);
	conversation_displayed(conversation, conversation->shown_length);
}

/* Connects, and lets the server answer what is asked then. */
static void connect_first(void)
{
	conversation_connected(conversation);
	expect_sent("/where\n/help\n/rooms\n/events\n");
	hear("+where guest-1 1 42");
	hear("=/book EVENT [QTY] [key=KEY] - books");
	hear("+help 1");
	hear("+rooms 0");
	hear("=rush 5/10 open The rush");
	hear("+events 1");
	conversation->shown_length = 0;
}

static void enter_rush(void)
{
	type("/join #rush");
	hear("+join #rush 1");
	expect_sent("/join #rush\n/who #rush\n/left rush\n/topic #rush\n/history #rush 10\n");
	hear("=guest-1");
	hear("+who 1");
	hear("+left rush 5 10");
	hear("+topic #rush");
	hear("+history 0");
	conversation->shown_length = 0;
}

Test(conversation, a_newcomer_is_told_who_he_is_and_what_to_do)
{
	conversation_connected(conversation);
	hear("+where guest-1 1 42");
	hear("+help 0");
	hear("+rooms 0");
	hear("=rush 5/10 open The rush");
	hear("+events 1");
	conversation->shown[conversation->shown_length] = '\0';
	cr_expect_not_null(strstr(conversation->shown, "You are guest-1"));
	cr_expect_not_null(strstr(conversation->shown, "/book rush"));
	cr_expect_not_null(strstr(conversation->shown, "5 of 10 left"));
}

Test(conversation, what_is_typed_goes_to_the_current_room_and_is_shown_as_others_see_it)
{
	connect_first();
	enter_rush();
	type("hello  you");
	expect_sent("/say #rush hello  you\n");
	expect_shown("10:00 #rush <guest-1> hello  you\n");
	hear("+say #rush");
	expect_shown("");
	type("//me");
	expect_sent("/say #rush /me\n");
	hear("-DENIED muted for 5 s");
	expect_shown("10:00 #rush <guest-1> /me\n10:00 ! DENIED muted for 5 s\n");
}

Test(conversation, without_a_room_nothing_is_said)
{
	connect_first();
	type("hello");
	expect_sent("");
	expect_shown("10:00 Not said: you are in no room. /join #ROOM enters one.\n");
}

Test(conversation, an_answer_is_shown_in_its_place_among_the_clients_own_questions)
{
	connect_first();
	type("/join #go");
	type("/ping a");
	hear("+join #go 1");
	hear("+pong a");
	hear("=guest-1"); /* of our own /who */
	hear("+who 1");
	hear("-NOTFOUND no such event");
	hear("+topic #go Gophers");
	hear("=2026-11-20T09:30:00Z anna hi  there");
	hear("+history 1");
	expect_shown("10:00 > /join #go\n10:00 > /ping a\n10:00 you are in #go now, 1 in all\n"
		     "10:00 pong a\n10:00 #go: the topic: Gophers\n09:30 #go <anna> hi  there\n");
}

Test(conversation, nicks_stand_several_in_a_row)
{
	connect_first();
	type("/who");
	hear("=anna");
	cr_expect_lt(conversation_whole_lines(conversation), conversation->shown_length);
	hear("=berta");
	hear("+who 2");
	expect_shown("10:00 > /who\n  anna  berta\n10:00 2 in all\n");
}

Test(conversation, a_booking_gets_a_key_of_its_own)
{
	connect_first();
	type("/book rush 2");
	type("/book rush 2");
	expect_sent("/book rush 2 key=chat-0000000000005eed-1\n"
		    "/book rush 2 key=chat-0000000000005eed-2\n");
	type("/book rush key=mine");
	expect_sent("/book rush key=mine\n");
}

Test(conversation, after_a_lost_connection_all_is_as_before_and_bookings_are_asked_again)
{
	connect_first();
	type("/nick anna");
	hear("+nick anna");
	expect_sent("/nick anna\n");
	enter_rush();
	type("/book rush");
	type("hello");
	conversation->shown_length = 0;
	conversation_lost(conversation, NOW_NS);
	expect_shown("10:00 The connection is lost; trying again ...\n"
		     "10:00 What was entered last (1) may not have arrived.\n"
		     "10:00 Bookings without an answer (1) will be asked for again: each is sold "
		     "once.\n");
	conversation_connected(conversation);
	expect_sent("/book rush key=chat-0000000000005eed-3\n/nick anna\n/where\n/join #rush\n"
		    "/help\n/rooms\n/events\n");
	hear("+booked 7K3M-Q2XW-9FTA-0BHJ rush 1");
	hear("+nick anna");
	expect_shown("10:00 booked: 1 for rush, code 7K3M-Q2XW-9FTA-0BHJ (who holds the code holds "
		     "the tickets)\n10:00 You are anna again.\n");
	hear("+where anna 1 42");
	hear("+join #rush 2");
	expect_sent("/who #rush\n/left rush\n");
	expect_shown("");
}

Test(conversation, a_nick_that_is_still_taken_is_asked_for_again_and_the_user_told_once)
{
	connect_first();
	type("/nick anna");
	hear("+nick anna");
	conversation->shown_length = 0;
	conversation_lost(conversation, NOW_NS);
	conversation_connected(conversation);
	conversation->shown_length = 0;
	hear("-NICKINUSE somebody has that nick");
	cr_expect(conversation->wants_nick);
	hear("+where guest-2 1 42");
	expect_shown("10:00 anna is still taken; trying again ...\n");
	conversation->out_length = 0;
	conversation_ask_nick(conversation);
	expect_sent("/nick anna\n");
	for (int i = 0; i < 3; i++) {
		hear(i == 0 ? "+help 0" : i == 1 ? "+rooms 0" : "+events 0");
	}
	hear("-NICKINUSE somebody has that nick");
	expect_shown("");
	cr_expect(conversation->wants_nick);
}

Test(conversation, a_room_that_cannot_be_entered_again_is_no_longer_ours)
{
	connect_first();
	enter_rush();
	conversation_lost(conversation, NOW_NS);
	conversation_connected(conversation);
	hear("+where guest-2 1 42");
	hear("-LIMIT you are in too many rooms");
	cr_expect_null(view_current(&conversation->view));
}

Test(conversation, an_interrupted_booking_is_asked_again_but_not_for_ever)
{
	connect_first();
	type("/book rush key=a");
	expect_sent("/book rush key=a\n");
	conversation->shown_length = 0;
	hear("-INTERRUPTED ask again");
	expect_sent("/book rush key=a\n");
	hear("-INTERRUPTED ask again");
	expect_sent("/book rush key=a\n");
	expect_shown("");
	hear("-INTERRUPTED ask again");
	expect_sent("");
	expect_shown("10:00 ! INTERRUPTED ask again\n");
}

Test(conversation, what_cannot_be_asked_twice_is_not)
{
	connect_first();
	type("/cancel 7K3M-Q2XW-9FTA-0BHJ");
	expect_sent("/cancel 7K3M-Q2XW-9FTA-0BHJ\n");
	hear("-INTERRUPTED ask again");
	expect_sent("");
}

Test(conversation, without_a_connection_nothing_is_taken_but_the_end)
{
	connect_first();
	conversation_lost(conversation, NOW_NS);
	conversation->shown_length = 0;
	type("/book rush");
	cr_expect_eq(conversation->pending.count, 0);
	cr_expect_not(conversation->over);
	type("/quit");
	cr_expect(conversation->over);
}

Test(conversation, a_flood_of_sales_is_a_few_lines)
{
	char line[64];
	size_t lines = 0;

	connect_first();
	for (int left = 1000; left >= 0; left--) {
		snprintf(line, sizeof(line), "*sale gala %d 1000", left);
		hear(line);
	}
	for (size_t i = 0; i < conversation->shown_length; i++) {
		lines += conversation->shown[i] == '\n';
	}
	cr_expect_eq(lines, 11);
}

Test(conversation, a_password_is_neither_shown_nor_kept)
{
	connect_first();
	type("/OP secret");
	expect_sent("/OP secret\n");
	expect_shown("10:00 > /op ...\n");
	cr_expect_not(conversation_keeps(span_of(" /op secret")));
	cr_expect(conversation_keeps(span_of("/open")));
}

Test(conversation, what_does_not_fit_is_said_not_to_be_sent)
{
	static char line[LINE_MAX_BYTES * 2];

	connect_first();
	enter_rush();
	memset(line, 'x', sizeof(line) - 1);
	type(line);
	line[0] = '/';
	type(line);
	expect_sent("");
	cr_expect_eq(conversation->pending.count, 0);
	for (int i = 0; i < 2 * PENDING_MAX; i++) {
		type("/ping");
	}
	cr_expect_eq(conversation->pending.count, PENDING_MAX);
	cr_expect_eq(conversation->out_length, PENDING_MAX * strlen("/ping\n"));
}

Test(conversation, no_line_can_drive_the_terminal)
{
	connect_first();
	hear("*say #go an\x1bna \x1b[2J");
	hear("=\x1b[2J");
	hear("+\x1b[2J");
	hear("-\x1b[2J");
	hear("\x1b[2J");
	hear("*notice \x9b");
	conversation->style.colour = false;
	type("/\x1b[2J");
	cr_expect_null(memchr(conversation->shown, '\x1b', conversation->shown_length));
}
