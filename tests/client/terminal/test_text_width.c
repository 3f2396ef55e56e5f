#include <criterion/criterion.h>
#include <locale.h>

#include "client/terminal/text_width.h"

static void use_utf8(void)
{
	cr_assert_not_null(setlocale(LC_CTYPE, "C.UTF-8"));
}

TestSuite(text_width, .init = use_utf8);

Test(text_width, wide_and_combining_characters_take_the_columns_that_a_terminal_gives_them)
{
	cr_expect_eq(text_width(span_of("")), 0);
	cr_expect_eq(text_width(span_of("hello")), 5);
	cr_expect_eq(text_width(span_of("wörld")), 5);
	cr_expect_eq(text_width(span_of("日本")), 4);
	cr_expect_eq(text_width(span_of("e\xCC\x81")), 1); /* U+0301 */
}

Test(text_width, the_editor_shows_what_cannot_be_shown)
{
	cr_expect_eq(text_width_edited(span_of("日本")), 4);
	cr_expect_eq(text_width_edited(span_of("a\x01")), 3);            /* ^A */
	cr_expect_eq(text_width_edited(span_of("\xF3\xA0\x80\x80")), 8); /* \U+E0000 */
	cr_expect_eq(text_width(span_of("\xF3\xA0\x80\x80")), 1);
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
