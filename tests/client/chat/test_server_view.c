#include <criterion/criterion.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "client/chat/completion.h"
#include "client/chat/server_view.h"
#include "client/chat/status_line.h"
#include "client/terminal/text_width.h"

static struct server_view view;
static struct commands commands;

static void start(void)
{
	setlocale(LC_CTYPE, "C.UTF-8");
	view_init(&view);
	memset(&commands, 0, sizeof(commands));
}

TestSuite(server_view, .init = start);
TestSuite(status, .init = start);
TestSuite(completion, .init = start);

static void hear(const char *line)
{
	view_hear(&view, span_of(line));
}

static void answer(const char *command, const char *line)
{
	view_answer(&view, span_of(command), span_of(line));
}

static void expect_status(const char *expected)
{
	char line[STATUS_LINE_SIZE];
	size_t length = status_line(&view, "", 80, line);

	cr_expect(length == strlen(expected) && memcmp(line, expected, length) == 0,
		  "it is '%.*s', not '%s'", (int)length, line, expected);
}

static void enter_rush(void)
{
	answer("/nick me", "+nick me");
	answer("/join #rush", "+join #rush 3");
	answer("/who #rush", "=anna");
	answer("/who #rush", "=me");
	answer("/who #rush", "=berta");
	answer("/who #rush", "+who 3");
}

Test(server_view, who_comes_and_goes_and_is_renamed_is_known)
{
	enter_rush();
	expect_status("me · #rush · berta, anna");
	hear("*join #rush carl");
	expect_status("me · #rush · carl, berta, anna");
	hear("*nick anna ANNA");
	expect_status("me · #rush · ANNA, carl, berta");
	hear("*part #rush Berta good night");
	expect_status("me · #rush · ANNA, carl");
	hear("*join #rush carl"); /* told late: the list had him */
	hear("*part #rush dora");
	expect_status("me · #rush · carl, ANNA");
	hear("*say #rush ANNA hi");
	hear("*part #other carl");
	expect_status("me · #rush · ANNA, carl");
}

Test(server_view, people_of_other_machines_are_known_by_their_whole_name)
{
	answer("/join #tea", "+join #tea 1");
	hear("*say #tea bob@b hello");
	hear("*say #tea BOB@b hello again");
	hear("*say #tea bob hello");
	cr_expect_eq(view_current(&view)->nick_count, 2);
	hear("*nick bob@b ben@b");
	hear("*part #tea bob");
	cr_expect_eq(view_current(&view)->nick_count, 1);
	cr_expect_str_eq(view_current(&view)->nicks[0], "ben@b");
}

Test(server_view, the_room_spoken_in_last_is_current_and_after_it_the_one_before)
{
	answer("/join #a", "+join #a 1");
	answer("/join #b", "+join #b 1");
	answer("/join #c", "+join #c 1");
	cr_expect_str_eq(view_current(&view)->name, "#c");
	answer("/say #A hi", "+say #a");
	cr_expect_str_eq(view_current(&view)->name, "#a");
	answer("/part", "+part #a");
	cr_expect_str_eq(view_current(&view)->name, "#c");
	view_leave(&view, span_of("#c"));
	view_leave(&view, span_of("#nowhere"));
	cr_expect_str_eq(view_current(&view)->name, "#b");
	answer("/part", "+part #b");
	cr_expect_null(view_current(&view));
}

Test(server_view, joining_twice_is_one_room)
{
	answer("/join #go", "+join #go 1");
	answer("/join #GO", "+join #go 2");
	cr_expect_eq(view.room_count, 1);
	cr_expect_eq(view_current(&view)->members, 2);
}

Test(server_view, where_somebody_else_is_is_not_where_we_are)
{
	answer("/where", "+where me 1 42");
	answer("/where anna", "+where anna 2 43");
	cr_expect_str_eq(view.nick, "me");
	cr_expect_str_eq(view.chosen, "");
}

Test(server_view, it_stays_within_its_bounds_whatever_the_server_says)
{
	char line[256];

	for (int i = 0; i < 1000; i++) {
		snprintf(line, sizeof(line), "+join #room%d 9000", i);
		answer("/join", line);
		snprintf(line, sizeof(line), "*sale event%d 1 2", i);
		hear(line);
		snprintf(line, sizeof(line), "*join #room999 nick%d", i);
		hear(line);
	}
	for (int i = 0; i < 1000; i++) {
		snprintf(line, sizeof(line), "*say #room999 nick%d hello", i);
		hear(line);
	}
	hear("*join");
	hear("*sale x");
	hear("*sale x -5 y");
	hear("*");
	answer("/events", "=");
	answer("/events", "=x y");
	answer("/who", "=anna");
	answer("", "+join");
	cr_expect_eq(view.room_count, VIEW_ROOMS);
	cr_expect_eq(view.event_count, VIEW_EVENTS);
	cr_expect_eq(view_current(&view)->nick_count, VIEW_NICKS);
	cr_expect_str_eq(view_current(&view)->nicks[VIEW_NICKS - 1], "nick999");
}

Test(server_view, a_sale_is_news_once_a_tenth)
{
	int news = 0;
	char line[64];

	for (int left = 500; left >= 0; left--) {
		snprintf(line, sizeof(line), "*sale rush %d 500", left);
		hear(line);
		news += view_sale_is_news(&view, span_of(line));
	}
	cr_expect_eq(news, 11); /* 10 tenths, and none at all */
	hear("*sale rush 1 500");
	cr_expect(view_sale_is_news(&view, span_of("*sale rush 1 500")));
}

Test(status, what_is_left_of_the_rooms_event_is_a_bar)
{
	enter_rush();
	answer("/events", "=rush 250/500 open The rush");
	expect_status("me · #rush · berta, anna · ████████········ 250 of 500 left");
	hear("*sale rush 125 500");
	expect_status("me · #rush · berta, anna · ████············ 125 of 500 left");
	answer("/join #go", "+join #go 1");
	expect_status("me · #go · nobody else here");
}

Test(status, it_never_takes_the_last_column)
{
	char line[STATUS_LINE_SIZE], heard[128];

	enter_rush();
	hear("*sale rush 125 500");
	for (int i = 0; i < 60; i++) {
		snprintf(heard, sizeof(heard), "*join #rush 日本語日本語%d", i);
		hear(heard);
	}
	for (size_t columns = 1; columns < 300; columns++) {
		size_t length = status_line(&view, "", columns, line);
		cr_assert_lt(text_width((struct span){ line, length }), columns);
	}
}

Test(status, trouble_takes_the_place_of_the_room)
{
	char line[STATUS_LINE_SIZE];

	enter_rush();
	size_t length = status_line(&view, "not connected", 80, line);
	cr_expect_eq(length, strlen("me · not connected"));
}

static void read_help(void)
{
	commands_read(&commands, span_of("/help [NAME] - lists"));
	commands_read(&commands,
		      span_of("/hold EVENT [QTY] [ttl=SECONDS] [tied] [key=KEY] - keeps"));
	commands_read(&commands, span_of("/join #ROOM - enters"));
	commands_read(&commands, span_of("/say [#ROOM] TEXT - says"));
	commands_read(&commands, span_of("/tell NICK TEXT - says"));
	commands_read(&commands, span_of("/confirm CODE - books"));
	commands_read(&commands,
		      span_of("/event new EVENT TOTAL [TITLE] | open EVENT | close EVENT - x"));
}

/* EXPECTED: what Tab offers after TEXT, parted by spaces. */
static void expect_offers(const char *text, const char *expected)
{
	struct completion completion;
	char offers[1024] = "";
	size_t length = 0;

	completion_find(&completion, &commands, &view, span_of(text));
	for (size_t i = 0; i < completion.count; i++) {
		length += (size_t)snprintf(offers + length, sizeof(offers) - length, "%s%s",
					   i > 0 ? " " : "", completion.words[i]);
	}
	cr_expect_str_eq(offers, expected, "after '%s' it offers '%s', not '%s'", text, offers,
			 expected);
}

static void expect_inserted(const char *text, const char *expected)
{
	struct completion completion;
	char inserted[COMPLETION_WORD_SIZE + 2];

	completion_find(&completion, &commands, &view, span_of(text));
	completion_insert(&completion, span_of(text), inserted);
	cr_expect_str_eq(inserted, expected, "after '%s' comes '%s', not '%s'", text, inserted,
			 expected);
}

Test(completion, commands_come_from_the_servers_help)
{
	read_help();
	expect_offers("/he", "/help");
	expect_offers("/h", "/help /hold");
	expect_offers("/HO", "/hold");
	expect_offers("/x", "");
	expect_offers("/help ho", "hold");
	expect_offers("//h", "");
}

Test(completion, each_argument_gets_what_the_help_says_it_is)
{
	read_help();
	enter_rush();
	hear("*sale rush 1 2");
	hear("*sale gala 1 2");
	answer("/hold rush", "+held 7K3M-Q2XW-9FTA-0BHJ rush 1 120");
	answer("/rooms", "=#lobby 3");
	expect_offers("/hold r", "rush");
	expect_offers("/hold ", "rush gala");
	expect_offers("/hold rush ", "ttl= tied key=");
	expect_offers("/join #", "#rush #gala #lobby");
	expect_offers("/join #L", "#lobby");
	expect_offers("/tell ", "berta anna");
	expect_offers("/tell anna be", "berta");
	expect_offers("/say be", "berta");
	expect_offers("/say #rush hello an", "anna");
	expect_offers("/confirm 7", "7K3M-Q2XW-9FTA-0BHJ");
	expect_offers("/event ", "new open close");
	expect_offers("/event open ", "rush gala");
	expect_offers("/event new gala ", "");
	expect_offers("/no-such-command ", "");
}

Test(completion, in_a_text_nicks_and_rooms_are_completed)
{
	read_help();
	enter_rush();
	expect_offers("be", "berta");
	expect_offers("hello AN", "anna");
	expect_offers("see #r", "#rush");
}

Test(completion, names_of_any_script_are_completed_without_case)
{
	enter_rush();
	hear("*join #rush Ärmel");
	expect_offers("är", "Ärmel");
	expect_inserted("är", "Ärmel: ");
}

Test(completion, the_only_word_is_put_whole_and_of_several_what_they_share)
{
	read_help();
	enter_rush();
	hear("*join #rush bert");
	expect_inserted("/he", "/help ");
	expect_inserted("/hold rush k", "key=");
	expect_inserted("an", "anna: ");
	expect_inserted("hello an", "anna ");
	expect_inserted("b", "bert");
	expect_inserted("bert", "");
	expect_inserted("x", "");
}
