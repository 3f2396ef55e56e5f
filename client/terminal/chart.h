/*
 * chart: rows of cells on one scale of time: who did what when, for a terminal or a file.
 *
 * A cell shows what happened in its middle; of several things the one with the highest mark.
 */
#ifndef CLIENT_TERMINAL_CHART_H
#define CLIENT_TERMINAL_CHART_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "client/terminal/style.h"

#define CHART_COLUMNS_MAX 400

/* How a cell looks. Mark 0 is that nothing happened. */
struct chart_mark {
	const char *colour; /* of ANSI's, as ECMA-48 numbers them */
	const char *ascii;
	const char *unicode;
	const char *meaning; /* for the legend */
};

struct chart {
	const struct terminal_style *style;
	const struct chart_mark *marks;
	unsigned columns; /* CHART_COLUMNS_MAX at most */
	int64_t longest_ns;
	FILE *to;
};

typedef unsigned char chart_cells[CHART_COLUMNS_MAX];

/* The column in which AT_NS lies. */
unsigned chart_column(const struct chart *chart, int64_t at_ns);

/* Marks what went on from FROM_NS to TO_NS; if ALWAYS, however short it was. */
void chart_fill(const struct chart *chart, chart_cells cells, int64_t from_ns, int64_t to_ns,
		unsigned mark, bool always);

void chart_print_cells(const struct chart *chart, const chart_cells cells);

/* The marks FIRST to LAST and what they mean, in a line. */
void chart_print_legend(const struct chart *chart, unsigned first, unsigned last);

/* An escape sequence, where there are colours. */
void chart_print_colour(const struct chart *chart, const char *colour);

#endif
