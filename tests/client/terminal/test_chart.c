#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "client/terminal/chart.h"

static const struct terminal_style plain = { .columns = 80 };
static const struct chart_mark marks[] = { { "", " ", " ", "" },
					   { "", ".", ".", "waiting" },
					   { "", "#", "#", "at work" } };

/* Four cells of 10 ns each. */
static const struct chart chart = {
	.style = &plain, .marks = marks, .columns = 4, .longest_ns = 40
};

static void expect_cells(const chart_cells cells, const char *expected)
{
	char *text = NULL;
	size_t length = 0;
	struct chart drawn = chart;

	drawn.to = open_memstream(&text, &length);
	cr_assert_not_null(drawn.to);
	chart_print_cells(&drawn, cells);
	fclose(drawn.to);
	cr_expect_str_eq(text, expected);
	free(text);
}

Test(chart, a_cell_shows_what_happened_in_its_middle)
{
	chart_cells cells = { 0 };

	chart_fill(&chart, cells, 4, 26, 2, false);
	expect_cells(cells, "### ");
	memset(cells, 0, sizeof(cells));
	chart_fill(&chart, cells, 6, 25, 2, false);
	expect_cells(cells, " #  ");
}

Test(chart, work_covers_waiting_whichever_comes_first)
{
	chart_cells cells = { 0 };

	chart_fill(&chart, cells, 10, 20, 2, false);
	chart_fill(&chart, cells, 0, 40, 1, false);
	expect_cells(cells, ".#..");
}

Test(chart, what_must_be_seen_is_however_short)
{
	chart_cells cells = { 0 };

	chart_fill(&chart, cells, 11, 12, 1, false);
	expect_cells(cells, "    ");
	chart_fill(&chart, cells, 11, 12, 2, true);
	chart_fill(&chart, cells, 40, 40, 2, true);
	expect_cells(cells, " # #");
}
