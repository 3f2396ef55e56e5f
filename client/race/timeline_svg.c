/*
 * Colours are those of Okabe and Ito's palette, which the colour-blind can tell apart; height tells
 * the phases apart too. No script, no font of its own, no CSS variable: what converts SVG to
 * something else mostly knows none.
 */
#include "client/race/timeline_svg.h"

#include <stdbool.h>

#include "client/race/timeline.h"
#include "shared/base/clock.h"

/* In units of the picture, 1600 of which are its width. */
#define WIDTH        1600.0
#define HEIGHT_MIN   900.0
#define MARGIN       48.0
#define TOP          150.0 /* the title and the legend */
#define BOTTOM       66.0  /* the scale */
#define CHART_LEFT   470.0
#define CHART_RIGHT  1456.0
#define PANEL_GAP    26.0
#define PANEL_MIN    128.0 /* what stands at its left takes so much */
#define ROW_MIN      14.0
#define ROW_MAX      26.0
#define CRITICAL_MIN 5.0 /* width: however short, it is seen */
#define CROSS_MIN    14.0
#define SCALE_MARKS  9

struct sheet {
	const struct race *race;
	FILE *to;
	int64_t longest_ns;
	double row;    /* height of a buyer's row */
	double panel;  /* of a heat, without the gap */
	double height; /* of the picture */
};

static const char style[] =
	"text{font-family:system-ui,'DejaVu Sans',Verdana,sans-serif;fill:#1b1f24}\n"
	".paper{fill:#fff}.title{font-size:34px;font-weight:700}.small{font-size:18px}\n"
	".name{font-size:30px;font-weight:700}.good,.bad{font-size:22px;font-weight:700}\n"
	".faint{fill:#59636e}.good{fill:#00694c}.bad{fill:#b83a00}\n"
	".grid{stroke:#d5dae0;stroke-width:1}.row{stroke:#eceff2;stroke-width:1}\n"
	".held{stroke:#8c96a1;stroke-width:2;stroke-dasharray:2 6;stroke-linecap:round}\n"
	".search{fill:#56a8e0}.wait{fill:#e6a800}.critical{fill:#009e73}\n"
	".oversold{fill:#d03c00}.cross{stroke:#fff;stroke-width:2.5;stroke-linecap:round;fill:none}"
	"\n"
	"@media (prefers-color-scheme:dark){text{fill:#e8ecf0}.paper{fill:#12161b}\n"
	".faint{fill:#9aa5b1}.good{fill:#3ddba8}.bad{fill:#ff8a5c}.grid{stroke:#323a43}\n"
	".row{stroke:#222830}.held{stroke:#6f7a86}.search{fill:#3d8fc9}.wait{fill:#f0bc2e}\n"
	".critical{fill:#12b886}.oversold{fill:#e8501a}}\n";

static double x_of(const struct sheet *sheet, int64_t at_ns)
{
	return CHART_LEFT + (CHART_RIGHT - CHART_LEFT) * (double)at_ns / (double)sheet->longest_ns;
}

static double seconds(int64_t ns)
{
	return (double)ns / (double)NS_PER_SECOND;
}

static void measure(struct sheet *sheet)
{
	unsigned buyers = sheet->race->plan.buyers;
	double heats = (double)sheet->race->count;
	double room = (HEIGHT_MIN - TOP - BOTTOM) / heats - PANEL_GAP;

	sheet->longest_ns = race_longest_ns(sheet->race);
	sheet->row = room / buyers;
	if (sheet->row < ROW_MIN) {
		sheet->row = ROW_MIN;
	}
	if (sheet->row > ROW_MAX) {
		sheet->row = ROW_MAX;
	}
	sheet->panel = sheet->row * buyers;
	if (sheet->panel < PANEL_MIN) {
		sheet->panel = PANEL_MIN;
	}
	sheet->height = TOP + heats * (sheet->panel + PANEL_GAP) + BOTTOM;
	if (sheet->height < HEIGHT_MIN) {
		sheet->height = HEIGHT_MIN;
	}
}

static double panel_top(const struct sheet *sheet, size_t heat)
{
	return TOP + (double)heat * (sheet->panel + PANEL_GAP);
}

static void write_bar(const struct sheet *sheet, const char *class, double left, double right,
		      double middle, double height)
{
	double round = right - left < 6 ? (right - left) / 2 : 3;

	fprintf(sheet->to,
		"<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" "
		"rx=\"%.1f\"/>\n",
		class, left, middle - height / 2, right - left, height, round);
}

/* A cross says the same as the colour, for those who cannot see it. */
static void write_cross(const struct sheet *sheet, double x, double y)
{
	double arm = sheet->row * 0.18;

	fprintf(sheet->to,
		"<path class=\"cross\" d=\"M%.1f %.1fL%.1f %.1fM%.1f %.1fL%.1f %.1f\"/>\n", x - arm,
		y - arm, x + arm, y + arm, x - arm, y + arm, x + arm, y - arm);
}

static void write_phase(const struct sheet *sheet, const char *class, struct race_stretch stretch,
			double middle, double height)
{
	if (x_of(sheet, stretch.to_ns) - x_of(sheet, stretch.from_ns) >= 0.1) {
		write_bar(sheet, class, x_of(sheet, stretch.from_ns), x_of(sheet, stretch.to_ns),
			  middle, height);
	}
}

/* The critical section; returns where it ends. */
static double write_critical(const struct sheet *sheet, const struct race_heat *heat,
			     unsigned buyer, double middle)
{
	struct race_stretch stretch = race_stretch(heat, buyer, RACE_CRITICAL);
	bool oversold = heat->buyers[buyer].oversold;
	double left = x_of(sheet, stretch.from_ns);
	double right = x_of(sheet, stretch.to_ns);

	if (right < left + CRITICAL_MIN) {
		right = left + CRITICAL_MIN;
	}
	write_bar(sheet, oversold ? "oversold" : "critical", left, right, middle,
		  sheet->row * 0.84);
	if (oversold && right - left >= CROSS_MIN) {
		write_cross(sheet, (left + right) / 2, middle);
	}
	return right;
}

/* What a mouse that rests on the row is told. */
static void write_hint(const struct sheet *sheet, const struct race_heat *heat, unsigned buyer)
{
	static const char *const names[RACE_PHASES] = { "not started yet", "search", "waiting",
							"critical section" };

	fprintf(sheet->to, "<title>buyer %u, process %d:", buyer + 1, (int)heat->buyers[buyer].pid);
	for (enum race_phase phase = RACE_HELD_BACK; phase < RACE_PHASES; phase++) {
		struct race_stretch stretch = race_stretch(heat, buyer, phase);
		fprintf(sheet->to, "%s %s %.3f s", phase > 0 ? "," : "", names[phase],
			seconds(stretch.to_ns - stretch.from_ns));
	}
	fputs("</title>\n", sheet->to);
}

static void write_outcome(const struct sheet *sheet, const struct race_buyer *buyer, double left,
			  double baseline, double size)
{
	const char *class = buyer->outcome == RACE_BOUGHT ? "small" : "small faint";
	char text[TIMELINE_TEXT_SIZE];

	timeline_outcome(buyer, "\u2192", text);
	fprintf(sheet->to,
		"<text class=\"%s\" style=\"font-size:%.1fpx\" x=\"%.1f\" y=\"%.1f\">%s%s</text>\n",
		buyer->oversold ? "bad" : class, size, left + 7, baseline, text,
		buyer->oversold ? ", too many" : "");
}

static void write_buyer(const struct sheet *sheet, const struct race_heat *heat, unsigned buyer,
			double top)
{
	const struct race_stretch held = race_stretch(heat, buyer, RACE_HELD_BACK);
	double first = top + (sheet->panel - heat->count * sheet->row) / 2;
	double middle = first + (buyer + 0.5) * sheet->row;
	double size = sheet->row * 0.86 < 16 ? sheet->row * 0.86 : 16;

	fputs("<g>\n", sheet->to);
	write_hint(sheet, heat, buyer);
	fprintf(sheet->to,
		"<line class=\"row\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n",
		CHART_LEFT, middle, CHART_RIGHT, middle);
	fprintf(sheet->to,
		"<text class=\"faint\" style=\"font-size:%.1fpx\" text-anchor=\"end\" x=\"%.1f\" "
		"y=\"%.1f\">%u</text>\n",
		size, CHART_LEFT - 10, middle + size * 0.36, buyer + 1);
	if (x_of(sheet, held.to_ns) - CHART_LEFT > 4) {
		fprintf(sheet->to,
			"<line class=\"held\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n",
			CHART_LEFT + 2, middle, x_of(sheet, held.to_ns) - 4, middle);
	}
	write_phase(sheet, "search", race_stretch(heat, buyer, RACE_SEARCH), middle,
		    sheet->row * 0.46);
	write_phase(sheet, "wait", race_stretch(heat, buyer, RACE_WAIT), middle, sheet->row * 0.2);
	double right = write_critical(sheet, heat, buyer, middle);
	write_outcome(sheet, &heat->buyers[buyer], right, middle + size * 0.36, size);
	fputs("</g>\n", sheet->to);
}

/* What stands at the left of a heat. */
static void write_summary(const struct sheet *sheet, const struct race_heat *heat, double top)
{
	const struct race_verdict *verdict = &heat->verdict;
	char text[TIMELINE_TEXT_SIZE];
	double first = top + (sheet->panel - PANEL_MIN) / 2 + 30;

	timeline_verdict(heat, text);
	fprintf(sheet->to, "<text class=\"name\" x=\"%.0f\" y=\"%.1f\">%s</text>\n", MARGIN, first,
		race_strategy_name(heat->strategy));
	fprintf(sheet->to, "<text class=\"small faint\" x=\"%.0f\" y=\"%.1f\">%s</text>\n", MARGIN,
		first + 28, race_strategy_motto(heat->strategy));
	fprintf(sheet->to, "<text class=\"%s\" x=\"%.0f\" y=\"%.1f\">%s</text>\n",
		verdict->oversold > 0 || verdict->lost > 0 ? "bad" : "good", MARGIN, first + 60,
		text);
	fprintf(sheet->to,
		"<text class=\"small\" x=\"%.0f\" y=\"%.1f\">%.2f s, %.0f %% of it in "
		"parallel</text>\n",
		MARGIN, first + 88, seconds(verdict->wall_ns), 100 * verdict->parallel);
}

static void write_heat(const struct sheet *sheet, size_t number)
{
	const struct race_heat *heat = &sheet->race->heats[number];
	double top = panel_top(sheet, number);

	if (number > 0) {
		fprintf(sheet->to,
			"<line class=\"grid\" x1=\"%.0f\" y1=\"%.1f\" x2=\"%.0f\" y2=\"%.1f\"/>\n",
			MARGIN, top - PANEL_GAP / 2, WIDTH - MARGIN, top - PANEL_GAP / 2);
	}
	write_summary(sheet, heat, top);
	for (unsigned buyer = 0; buyer < heat->count; buyer++) {
		write_buyer(sheet, heat, buyer, top);
	}
}

static void write_scale(const struct sheet *sheet)
{
	const int64_t step_ns = timeline_step_ns(sheet->longest_ns, SCALE_MARKS);
	double bottom = panel_top(sheet, sheet->race->count) - PANEL_GAP / 2;

	for (int64_t at_ns = 0; at_ns <= sheet->longest_ns; at_ns += step_ns) {
		double x = x_of(sheet, at_ns);
		fprintf(sheet->to,
			"<line class=\"grid\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n",
			x, TOP - 8, x, bottom);
		fprintf(sheet->to,
			"<text class=\"small faint\" text-anchor=\"middle\" x=\"%.1f\" "
			"y=\"%.1f\">%g s</text>\n",
			x, bottom + 26, seconds(at_ns));
	}
}

static void write_legend(const struct sheet *sheet)
{
	static const struct {
		const char *class;
		const char *meaning;
		double share; /* of a row's height */
		double width; /* that it takes with its text */
	} marks[] = {
		{ "search", "search", 0.46, 138 },
		{ "wait", "waiting for its turn", 0.2, 248 },
		{ "critical", "critical section: read, think, write", 0.84, 384 },
		{ "oversold", "sold too many", 0.84, 210 },
	};
	const double middle = 112;
	double x = MARGIN;

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		write_bar(sheet, marks[i].class, x, x + 36, middle, 22 * marks[i].share);
		fprintf(sheet->to, "<text class=\"small\" x=\"%.0f\" y=\"%.0f\">%s</text>\n",
			x + 44, middle + 6, marks[i].meaning);
		if (i == 3) {
			write_cross(sheet, x + 18, middle);
		}
		x += marks[i].width;
	}
	fprintf(sheet->to, "<line class=\"held\" x1=\"%.0f\" y1=\"%.0f\" x2=\"%.0f\" y2=\"%.0f\"/>",
		x, middle, x + 36, middle);
	fprintf(sheet->to, "<text class=\"small\" x=\"%.0f\" y=\"%.0f\">not started yet</text>\n",
		x + 46, middle + 6);
	fprintf(sheet->to,
		"<text class=\"small\" text-anchor=\"end\" x=\"%.0f\" y=\"%.0f\">5 \u2192 4: read "
		"5 left, wrote 4</text>\n",
		WIDTH - MARGIN, middle + 6);
}

static void write_title(const struct sheet *sheet)
{
	const struct race_plan *plan = &sheet->race->plan;

	fprintf(sheet->to,
		"<title>%u buyers, %lld tickets</title>\n"
		"<desc>A row a buyer, one scale of time for all strategies.</desc>\n"
		"<style>\n"
		"%s</style>\n",
		plan->buyers, (long long)plan->tickets, style);
	fprintf(sheet->to, "<rect class=\"paper\" width=\"100%%\" height=\"100%%\"/>\n");
	fprintf(sheet->to,
		"<text class=\"title\" x=\"%.0f\" y=\"66\">%u buyers, %lld tickets: what stands "
		"around the purchase?</text>\n",
		MARGIN, plan->buyers, (long long)plan->tickets);
}

void timeline_write_svg(const struct race *race, FILE *to)
{
	struct sheet sheet = { .race = race, .to = to };

	measure(&sheet);
	fprintf(to,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" viewBox=\"0 0 %.0f %.0f\" "
		"width=\"%.0f\" height=\"%.0f\">\n",
		WIDTH, sheet.height, WIDTH, sheet.height);
	write_title(&sheet);
	write_legend(&sheet);
	write_scale(&sheet);
	for (size_t i = 0; i < race->count; i++) {
		write_heat(&sheet, i);
	}
	fputs("</svg>\n", to);
}
