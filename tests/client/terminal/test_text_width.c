#include <criterion/criterion.h>
#include <locale.h>
#include <string.h>

#include "client/chat/wrap.h"
#include "client/terminal/bar.h"
#include "client/terminal/text_width.h"

static void use_utf8(void)
{
	cr_assert_not_null(setlocale(LC_CTYPE, "C.UTF-8"));
}

TestSuite(text_width, .init = use_utf8);
TestSuite(wrap, .init = use_utf8);

Test(text_width, wide_and_combining_characters_take_the_columns_that_a_terminal_gives_them)
{
	cr_expect_eq(text_width(span_of("")), 0);
	cr_expect_eq(text_width(span_of("hello")), 5);
	cr_expect_eq(text_width(span_of("wörld")), 5);
	cr_expect_eq(text_width(span_of("日本")), 4);
	cr_expect_eq(text_width(span_of("e\xCC\x81")), 1); /* U+0301 */
	cr_expect_eq(text_width(span_of("\x01")), 2);
}

Test(text_width, a_cut_never_splits_a_character)
{
	cr_expect_eq(text_width_cut(span_of("hello"), 3), 3);
	cr_expect_eq(text_width_cut(span_of("日本"), 3), 3);
	cr_expect_eq(text_width_cut(span_of("日本"), 4), 6);
	cr_expect_eq(text_width_cut(span_of("日本"), 1), 0);
}

Test(text_width, a_row_that_is_just_full_ends_on_the_next)
{
	cr_expect_eq(text_width_cursor_row(2, span_of("1234567"), 10), 0);
	cr_expect_eq(text_width_cursor_row(2, span_of("12345678"), 10), 1);
	cr_expect_eq(text_width_cursor_row(2, span_of("123456789"), 10), 1);
	cr_expect_eq(text_width_cursor_row(2, span_of("123456789012345678"), 10), 2);
	cr_expect_eq(text_width_cursor_row(10, span_of(""), 10), 1);
}

Test(text_width, a_wide_character_that_does_not_fit_begins_the_next_row)
{
	cr_expect_eq(text_width_cursor_row(2, span_of("1234567日"), 10), 1);
	cr_expect_eq(text_width_cursor_row(0, span_of("1日日日日日日日日日1"), 10), 2);
}

Test(text_width, a_line_feed_begins_a_row)
{
	cr_expect_eq(text_width_cursor_row(2, span_of("a\nb"), 10), 1);
}

Test(text_width, rows_are_counted_as_begun)
{
	cr_expect_eq(text_width_rows(0, 10), 1);
	cr_expect_eq(text_width_rows(10, 10), 1);
	cr_expect_eq(text_width_rows(11, 10), 2);
}

static void expect_bar(int64_t left, int64_t total, size_t columns, const char *expected)
{
	char bar[BAR_SIZE];
	size_t length = bar_draw(left, total, columns, true, bar);

	cr_expect(length == strlen(expected) && memcmp(bar, expected, length) == 0,
		  "%ld of %ld is '%.*s', not '%s'", (long)left, (long)total, (int)length, bar,
		  expected);
}

Test(bar, it_is_as_long_as_what_is_left)
{
	expect_bar(8, 8, 4, "████");
	expect_bar(4, 8, 4, "██··");
	expect_bar(3, 8, 4, "█▌··");
	expect_bar(0, 8, 4, "····");
}

Test(bar, without_unicode_it_is_ascii)
{
	char bar[BAR_SIZE];
	size_t length = bar_draw(3, 8, 4, false, bar);

	cr_expect(length == 4 && memcmp(bar, "#-..", length) == 0, "'%.*s'", (int)length, bar);
}

Test(bar, only_nothing_looks_empty_and_only_all_looks_full)
{
	expect_bar(1, 1000000, 2, "▏·");
	expect_bar(999999, 1000000, 2, "█▉");
}

Test(bar, figures_that_make_no_sense_do_no_harm)
{
	expect_bar(5, 0, 2, "··");
	expect_bar(-1, 5, 2, "··");
	expect_bar(9, 5, 2, "██");
	expect_bar(INT64_MAX, INT64_MAX, 2, "██");
	char bar[BAR_SIZE];
	cr_expect_leq(bar_draw(1, 1, 1000, true, bar), sizeof(bar));
}

static void expect_wrapped(const char *text, size_t columns, const char *expected)
{
	char wrapped[WRAP_SIZE(512)];
	size_t length = wrap_lines(span_of(text), columns, wrapped);

	cr_expect(length == strlen(expected) && memcmp(wrapped, expected, length) == 0,
		  "'%s' became '%.*s'", text, (int)length, wrapped);
}

Test(wrap, lines_break_at_spaces_and_go_on_indented)
{
	expect_wrapped("12:34 the quick fox\n", 15, "12:34 the quick\n      fox\n");
	expect_wrapped("12:34 the quick fox\n", 14, "12:34 the\n      quick\n      fox\n");
	expect_wrapped("a b\nc d\n", 3, "a b\nc d\n");
}

Test(wrap, spaces_within_a_row_stay)
{
	expect_wrapped("12:34   a  b\n", 80, "12:34   a  b\n");
}

Test(wrap, colours_take_no_columns)
{
	expect_wrapped("12:34 \033[32mthe\033[0m quick fox\n", 15,
		       "12:34 \033[32mthe\033[0m quick\n      fox\n");
}

Test(wrap, a_word_wider_than_a_row_is_left_to_the_terminal)
{
	expect_wrapped("12:34 abcdefghij k\n", 10, "12:34 abcdefghij\n      k\n");
}

Test(wrap, an_escape_without_an_end_is_no_trap)
{
	expect_wrapped("a \033 b\033", 80, "a \033 b\033");
}
