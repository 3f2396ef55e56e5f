#include "client/terminal/chart.h"

unsigned chart_column(const struct chart *chart, int64_t at_ns)
{
	int64_t column = at_ns * chart->columns / chart->longest_ns;

	if (column < 0) {
		return 0;
	}
	return column < chart->columns ? (unsigned)column : chart->columns - 1;
}

static void mark_cell(chart_cells cells, unsigned column, unsigned mark)
{
	if (cells[column] < mark) {
		cells[column] = (unsigned char)mark;
	}
}

void chart_fill(const struct chart *chart, chart_cells cells, int64_t from_ns, int64_t to_ns,
		unsigned mark, bool always)
{
	for (unsigned i = 0; i < chart->columns; i++) {
		int64_t middle_ns = (2 * i + 1) * chart->longest_ns / (2 * chart->columns);
		if (from_ns <= middle_ns && middle_ns < to_ns) {
			mark_cell(cells, i, mark);
		}
	}
	if (always) {
		mark_cell(cells, chart_column(chart, from_ns), mark);
	}
}

void chart_print_colour(const struct chart *chart, const char *colour)
{
	if (chart->style->colour) {
		fputs(colour, chart->to);
	}
}

static void print_mark(const struct chart *chart, unsigned mark)
{
	fputs(chart->style->unicode ? chart->marks[mark].unicode : chart->marks[mark].ascii,
	      chart->to);
}

void chart_print_cells(const struct chart *chart, const chart_cells cells)
{
	unsigned last = 0;

	for (unsigned i = 0; i < chart->columns; i++) {
		if (cells[i] != last) {
			chart_print_colour(chart, STYLE_RESET);
			chart_print_colour(chart, chart->marks[cells[i]].colour);
		}
		print_mark(chart, cells[i]);
		last = cells[i];
	}
	chart_print_colour(chart, STYLE_RESET);
}

void chart_print_legend(const struct chart *chart, unsigned first, unsigned last)
{
	for (unsigned mark = first; mark <= last; mark++) {
		chart_print_colour(chart, chart->marks[mark].colour);
		print_mark(chart, mark);
		chart_print_colour(chart, STYLE_RESET);
		fprintf(chart->to, " %s%s", chart->marks[mark].meaning, mark < last ? "  " : "\n");
	}
}
