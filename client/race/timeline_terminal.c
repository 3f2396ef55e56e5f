#include "client/race/timeline_terminal.h"

#include "client/race/timeline.h"
#include "client/terminal/chart.h"
#include "shared/base/clock.h"

#define LABEL_COLUMNS   9  /* "buyer 10 " */
#define OUTCOME_COLUMNS 14 /* " 5000 -> 4999" */
#define BAR_COLUMNS_MIN 20

enum mark { MARK_NOTHING, MARK_HELD_BACK, MARK_SEARCH, MARK_WAIT, MARK_CRITICAL, MARK_OVERSOLD };

static const struct chart_mark looks[] = {
	[MARK_NOTHING] = { "", " ", " ", "" },
	[MARK_HELD_BACK] = { "\033[90m", ".", "·", "not started yet" },
	[MARK_SEARCH] = { "\033[34m", "-", "━", "search" },
	[MARK_WAIT] = { "\033[33m", ":", "┄", "waiting" },
	[MARK_CRITICAL] = { "\033[32m", "#", "█", "critical section" },
	[MARK_OVERSOLD] = { "\033[1;31m", "X", "▓", "sold too many" },
};

static void draw_buyer(const struct chart *chart, const struct race_heat *heat, unsigned buyer,
		       chart_cells cells)
{
	const bool oversold = heat->buyers[buyer].oversold;

	for (enum race_phase phase = RACE_HELD_BACK; phase < RACE_PHASES; phase++) {
		static const enum mark marks[RACE_PHASES] = { MARK_HELD_BACK, MARK_SEARCH,
							      MARK_WAIT, MARK_CRITICAL };
		const struct race_stretch stretch = race_stretch(heat, buyer, phase);
		const bool critical = phase == RACE_CRITICAL;
		chart_fill(chart, cells, stretch.from_ns, stretch.to_ns,
			   critical && oversold ? MARK_OVERSOLD : marks[phase], critical);
	}
}

static void print_buyer(const struct chart *chart, const struct race_heat *heat, unsigned buyer)
{
	chart_cells cells = { MARK_NOTHING };
	char outcome[TIMELINE_TEXT_SIZE];
	bool oversold = heat->buyers[buyer].oversold;

	draw_buyer(chart, heat, buyer, cells);
	timeline_outcome(&heat->buyers[buyer], chart->style->unicode ? "→" : "->", outcome);
	fprintf(chart->to, "buyer%3u ", buyer + 1);
	chart_print_cells(chart, cells);
	if (oversold) {
		chart_print_colour(chart, looks[MARK_OVERSOLD].colour);
	}
	fprintf(chart->to, " %s%s", outcome, oversold ? " !" : "");
	chart_print_colour(chart, "\033[0m");
	fputc('\n', chart->to);
}

static void print_heading(const struct chart *chart, const struct race_heat *heat)
{
	char verdict[TIMELINE_TEXT_SIZE];

	timeline_verdict(heat, verdict);
	fputc('\n', chart->to);
	chart_print_colour(chart, "\033[1m");
	fputs(race_strategy_name(heat->strategy), chart->to);
	chart_print_colour(chart, "\033[0m");
	fprintf(chart->to, ": %s: ", race_strategy_motto(heat->strategy));
	chart_print_colour(chart, heat->verdict.oversold > 0 ? "\033[1;31m" : "\033[1;32m");
	fputs(verdict, chart->to);
	chart_print_colour(chart, "\033[0m");
	fputc('\n', chart->to);
}

/* "0        0.5       1.0 s" under the bars. */
static void print_scale(const struct chart *chart)
{
	const int64_t step_ns = timeline_step_ns(chart->longest_ns, chart->columns / 8);
	unsigned column = 0;

	fprintf(chart->to, "%*s", LABEL_COLUMNS, "");
	for (int64_t at_ns = 0; at_ns <= chart->longest_ns; at_ns += step_ns) {
		unsigned wanted = chart_column(chart, at_ns);
		if (column < wanted) {
			fprintf(chart->to, "%*s", (int)(wanted - column), "");
			column = wanted;
		}
		int written = fprintf(chart->to, "%.4g", (double)at_ns / (double)NS_PER_SECOND);
		column += written > 0 ? (unsigned)written : 0;
	}
	fputs(" s\n", chart->to);
}

void timeline_print(const struct race *race, const struct terminal_style *style, FILE *to)
{
	struct chart chart = { .marks = looks,
			       .style = style,
			       .to = to,
			       .columns = BAR_COLUMNS_MIN,
			       .longest_ns = race_longest_ns(race) };

	if (style->columns > LABEL_COLUMNS + OUTCOME_COLUMNS + BAR_COLUMNS_MIN) {
		chart.columns = style->columns - LABEL_COLUMNS - OUTCOME_COLUMNS;
	}
	if (chart.columns > CHART_COLUMNS_MAX) {
		chart.columns = CHART_COLUMNS_MAX;
	}
	for (size_t i = 0; i < race->count; i++) {
		print_heading(&chart, &race->heats[i]);
		for (unsigned buyer = 0; buyer < race->heats[i].count; buyer++) {
			print_buyer(&chart, &race->heats[i], buyer);
		}
		print_scale(&chart);
	}
	chart_print_legend(&chart, MARK_HELD_BACK, MARK_OVERSOLD);
}
