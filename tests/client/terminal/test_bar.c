#include <criterion/criterion.h>
#include <string.h>

#include "client/terminal/bar.h"

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
