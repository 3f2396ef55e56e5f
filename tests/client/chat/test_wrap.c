#include <criterion/criterion.h>
#include <locale.h>
#include <string.h>

#include "client/chat/wrap.h"

static void use_utf8(void)
{
	cr_assert_not_null(setlocale(LC_CTYPE, "C.UTF-8"));
}

TestSuite(wrap, .init = use_utf8);

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
