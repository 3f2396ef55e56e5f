#include <string.h>

#include "client/race/timeline.h"
#include "shared/base/clock.h"

#define LABEL_COLUMNS   9  /* "buyer 10 " */
#define OUTCOME_COLUMNS 14 /* " 5000 -> 4999" */
#define BAR_COLUMNS_MIN 20
#define BAR_COLUMNS_MAX 400

enum mark { MARK_NOTHING, MARK_HELD_BACK, MARK_SEARCH, MARK_WAIT, MARK_CRITICAL, MARK_OVERSOLD };

struct look {
	const char *colour; /* of ANSI's, as ECMA-48 numbers them */
	const char *ascii;
	const char *unicode;
	const char *meaning;
};

static const struct look looks[] = {
	[MARK_NOTHING] = { "", " ", " ", "" },
	[MARK_HELD_BACK] = { "\033[90m", ".", "·", "not started yet" },
	[MARK_SEARCH] = { "\033[34m", "-", "━", "search" },
	[MARK_WAIT] = { "\033[33m", ":", "┄", "waiting" },
	[MARK_CRITICAL] = { "\033[32m", "#", "█", "critical section" },
	[MARK_OVERSOLD] = { "\033[1;31m", "X", "▓", "sold too many" },
};

struct canvas {
	const struct race *race;
	const struct timeline_style *style;
	FILE *to;
	unsigned bar_columns;
	int64_t longest_ns;
};

static void print_colour(const struct canvas *canvas, const char *colour)
{
	if (canvas->style->colour) {
		fputs(colour, canvas->to);
	}
}

static void print_mark(const struct canvas *canvas, enum mark mark)
{
	fputs(canvas->style->unicode ? looks[mark].unicode : looks[mark].ascii, canvas->to);
}

static unsigned column_of(const struct canvas *canvas, int64_t at_ns)
{
	unsigned column = (unsigned)(at_ns * canvas->bar_columns / canvas->longest_ns);

	return column < canvas->bar_columns ? column : canvas->bar_columns - 1;
}

/* A cell shows what happens in its middle. */
static void fill(const struct canvas *canvas, unsigned char *cells, struct race_stretch stretch,
		 enum mark mark)
{
	for (unsigned i = 0; i < canvas->bar_columns; i++) {
		int64_t middle_ns = (2 * i + 1) * canvas->longest_ns / (2 * canvas->bar_columns);
		if (stretch.from_ns <= middle_ns && middle_ns < stretch.to_ns) {
			cells[i] = (unsigned char)mark;
		}
	}
}

static void draw_buyer(const struct canvas *canvas, const struct race_heat *heat, unsigned buyer,
		       unsigned char *cells)
{
	const enum mark last = heat->buyers[buyer].oversold ? MARK_OVERSOLD : MARK_CRITICAL;
	const struct race_stretch critical = race_stretch(heat, buyer, RACE_CRITICAL);

	memset(cells, MARK_NOTHING, canvas->bar_columns);
	fill(canvas, cells, race_stretch(heat, buyer, RACE_HELD_BACK), MARK_HELD_BACK);
	fill(canvas, cells, race_stretch(heat, buyer, RACE_SEARCH), MARK_SEARCH);
	fill(canvas, cells, race_stretch(heat, buyer, RACE_WAIT), MARK_WAIT);
	fill(canvas, cells, critical, last);
	/* However short it was, it is seen. */
	cells[column_of(canvas, critical.from_ns)] = (unsigned char)last;
}

static void print_cells(const struct canvas *canvas, const unsigned char *cells)
{
	enum mark last = MARK_NOTHING;

	for (unsigned i = 0; i < canvas->bar_columns; i++) {
		enum mark mark = cells[i];
		if (mark != last) {
			print_colour(canvas, "\033[0m");
		}
		if (mark != last) {
			print_colour(canvas, looks[mark].colour);
		}
		print_mark(canvas, mark);
		last = mark;
	}
	print_colour(canvas, "\033[0m");
}

static void print_buyer(const struct canvas *canvas, const struct race_heat *heat, unsigned buyer)
{
	unsigned char cells[BAR_COLUMNS_MAX];
	char outcome[TIMELINE_TEXT_SIZE];
	bool oversold = heat->buyers[buyer].oversold;

	draw_buyer(canvas, heat, buyer, cells);
	timeline_outcome(&heat->buyers[buyer], canvas->style->unicode ? "→" : "->", outcome);
	fprintf(canvas->to, "buyer%3u ", buyer + 1);
	print_cells(canvas, cells);
	if (oversold) {
		print_colour(canvas, looks[MARK_OVERSOLD].colour);
	}
	fprintf(canvas->to, " %s%s", outcome, oversold ? " !" : "");
	print_colour(canvas, "\033[0m");
	fputc('\n', canvas->to);
}

static void print_heading(const struct canvas *canvas, const struct race_heat *heat)
{
	char verdict[TIMELINE_TEXT_SIZE];

	timeline_verdict(heat, verdict);
	fputc('\n', canvas->to);
	print_colour(canvas, "\033[1m");
	fputs(race_strategy_name(heat->strategy), canvas->to);
	print_colour(canvas, "\033[0m");
	fprintf(canvas->to, ": %s: ", race_strategy_motto(heat->strategy));
	print_colour(canvas, heat->verdict.oversold > 0 ? "\033[1;31m" : "\033[1;32m");
	fputs(verdict, canvas->to);
	print_colour(canvas, "\033[0m");
	fputc('\n', canvas->to);
}

/* "0        0.5       1.0 s" under the bars. */
static void print_scale(const struct canvas *canvas)
{
	const int64_t step_ns = timeline_step_ns(canvas->longest_ns, canvas->bar_columns / 8);
	unsigned column = 0;

	fprintf(canvas->to, "%*s", LABEL_COLUMNS, "");
	for (int64_t at_ns = 0; at_ns <= canvas->longest_ns; at_ns += step_ns) {
		unsigned wanted = column_of(canvas, at_ns);
		if (column < wanted) {
			fprintf(canvas->to, "%*s", (int)(wanted - column), "");
			column = wanted;
		}
		int written = fprintf(canvas->to, "%.4g", (double)at_ns / (double)NS_PER_SECOND);
		column += written > 0 ? (unsigned)written : 0;
	}
	fputs(" s\n", canvas->to);
}

static void print_legend(const struct canvas *canvas)
{
	for (enum mark mark = MARK_HELD_BACK; mark <= MARK_OVERSOLD; mark++) {
		print_colour(canvas, looks[mark].colour);
		print_mark(canvas, mark);
		print_colour(canvas, "\033[0m");
		fprintf(canvas->to, " %s%s", looks[mark].meaning,
			mark < MARK_OVERSOLD ? "  " : "\n");
	}
}

void timeline_print(const struct race *race, const struct timeline_style *style, FILE *to)
{
	struct canvas canvas = { .race = race,
				 .style = style,
				 .to = to,
				 .bar_columns = BAR_COLUMNS_MIN,
				 .longest_ns = race_longest_ns(race) };

	if (style->columns > LABEL_COLUMNS + OUTCOME_COLUMNS + BAR_COLUMNS_MIN) {
		canvas.bar_columns = style->columns - LABEL_COLUMNS - OUTCOME_COLUMNS;
	}
	if (canvas.bar_columns > BAR_COLUMNS_MAX) {
		canvas.bar_columns = BAR_COLUMNS_MAX;
	}
	for (size_t i = 0; i < race->count; i++) {
		print_heading(&canvas, &race->heats[i]);
		for (unsigned buyer = 0; buyer < race->heats[i].count; buyer++) {
			print_buyer(&canvas, &race->heats[i], buyer);
		}
		print_scale(&canvas);
	}
	print_legend(&canvas);
}
