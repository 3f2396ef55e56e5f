#include <criterion/criterion.h>
#include <locale.h>
#include <string.h>

#include "client/chat/render.h"

static void expect_shown(const char *line, const char *expected)
{
	char shown[RENDER_SIZE + 1];
	size_t length = render_line(span_of(line), shown);

	shown[length] = '\0';
	cr_expect_str_eq(shown, expected, "'%s' is shown as '%s', not '%s'", line, shown, expected);
}

Test(render, each_event_is_shown_as_people_read_it)
{
	expect_shown("*say #go anna hi  there", "#go <anna> hi  there");
	expect_shown("*tell anna psst", "<anna to you> psst");
	expect_shown("*join #go anna", "#go: anna came in");
	expect_shown("*part #go anna", "#go: anna left");
	expect_shown("*part #go anna good night", "#go: anna left good night");
	expect_shown("*nick anna berta", "anna is now berta");
	expect_shown("*topic #go anna Gophers only", "#go: anna set the topic: Gophers only");
	expect_shown("*sale rush 3 500", "rush: 3 of 500 left");
	expect_shown("*offer 7K3M-Q2XW-9FTA-0BHJ rush 2 60",
		     "rush: 2 for you with /confirm 7K3M-Q2XW-9FTA-0BHJ, within 60 s");
	expect_shown("*waiting rush 2 4", "rush: your place in the queue for 2 is 4");
	expect_shown("*notice the server stops", "the server: the server stops");
}

Test(render, answers_and_rows_can_be_told_apart)
{
	expect_shown("+pong hello", "pong hello");
	expect_shown("-BADCMD no such command: /x", "! BADCMD no such command: /x");
	expect_shown("=anna", "  anna");
}

Test(render, what_is_not_known_is_shown_as_it_is)
{
	expect_shown("", "");
	expect_shown("*", "*");
	expect_shown("*say #go", "*say #go");
	expect_shown("*sayings #go anna hi", "*sayings #go anna hi");
	expect_shown("*comet seen", "*comet seen");
	expect_shown("hello", "hello");
}

Test(render, no_line_can_drive_the_terminal)
{
	expect_shown("*say #go an\x1bna \x1b[2J\x07 and\tmore",
		     "#go <an\xEF\xBF\xBDna> "
		     "\xEF\xBF\xBD[2J\xEF\xBF\xBD and more");
	expect_shown("+\x1b]0;title\x07", "\xEF\xBF\xBD]0;title\xEF\xBF\xBD");
	expect_shown("\xff*", "\xEF\xBF\xBD*");
}

Test(render, a_percent_sign_is_only_a_percent_sign)
{
	expect_shown("*say #go anna 100%1 %* %", "#go <anna> 100%1 %* %");
}

Test(render, the_longest_line_fits_however_it_grows)
{
	char line[CONNECTION_LINE_MAX];
	char shown[RENDER_SIZE];

	memset(line, '\x1b', sizeof(line));
	memcpy(line, "*part a b ", 10);
	size_t length = render_line((struct span){ line, sizeof(line) }, shown);
	cr_expect_eq(length, strlen("a: b left ") + TEXT_GROWTH * (sizeof(line) - 10));
}

static void expect_styled(const char *line, const char *command, bool colour, const char *expected)
{
	char shown[RENDER_SIZE + 1];
	const struct render_style style = { .rich = true, .colour = colour };

	setlocale(LC_CTYPE, "C.UTF-8");
	size_t length = render_styled(span_of(line), span_of(command), style, shown);
	shown[length] = '\0';
	cr_expect_str_eq(shown, expected, "'%s' is shown as '%s', not '%s'", line, shown, expected);
}

Test(render, listings_stand_in_columns_and_what_is_left_is_a_bar)
{
	expect_styled("=/join #ROOM - enters a room", "/help", false,
		      "  /join #ROOM                       enters a room");
	expect_styled("=rush 250/500 open The  rush", "/events", false,
		      "  rush: ██████████·········· 250 of 500 left, open: The  rush");
	expect_styled("=rush 1/2 closed", "/events", false,
		      "  rush: ██████████·········· 1 of 2 left, closed");
	expect_styled("*sale rush 0 500", "", false, "rush: ···················· 0 of 500 left");
	expect_styled("=odd", "/events", false, "  odd:  of  left, ");
}

Test(render, a_nick_has_one_colour_however_it_is_written)
{
	cr_expect_str_eq(render_nick_colour(span_of("Ärmel")),
			 render_nick_colour(span_of("äRMEL")));
	cr_expect_str_neq(render_nick_colour(span_of("anna")),
			  render_nick_colour(span_of("berta")));
	render_nick_colour(span_of("not a nick \xff"));
}

Test(render, colours_end_with_what_they_colour)
{
	expect_styled("-BADARG no", "", true, RENDER_RED "! BADARG no" RENDER_PLAIN);
	expect_styled("*notice hello", "", true, RENDER_YELLOW "the server: hello" RENDER_PLAIN);
	expect_styled("*notice hello", "", false, "the server: hello");
}

Test(render, a_row_of_the_past_has_a_time)
{
	struct span row = span_of("=2026-11-20T10:00:01Z anna hi  there");
	struct span other = span_of("=2026-11-20Tx0:00:01Z anna hi");
	int64_t wall_ns = 0;

	cr_assert(render_take_time(&row, &wall_ns));
	cr_expect_eq(wall_ns, INT64_C(1795168801) * 1000000000);
	cr_expect(span_equals(row, "anna hi  there"));
	cr_expect_not(render_take_time(&other, &wall_ns));
	other = span_of("");
	cr_expect_not(render_take_time(&other, &wall_ns));
}
