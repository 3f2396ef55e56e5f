#include "client/lab/timeline.h"

#include <stdio.h>

#include "client/terminal/chart.h"
#include "shared/base/clock.h"

#define BAR_COLUMNS       52
#define LABEL_SIZE        24  /* bytes of "worker 1" */
#define PROCESS_NAME_SIZE 128 /* of "limit: eight places" */

/* Taking notes */

void lab_part(struct lab *lab, const char *title, const char *who)
{
	struct lab_timeline *timeline = lab->timeline;

	if (timeline->parts == LAB_PARTS_MAX) {
		return;
	}
	timeline->list[timeline->parts++] = (struct lab_part){ title, who, clock_monotonic_ns() };
}

void lab_note(struct lab *lab, unsigned row, enum lab_doing doing, const char *name,
	      int64_t from_ns)
{
	struct lab_timeline *timeline = lab->timeline;
	int64_t to_ns = clock_monotonic_ns();
	uint32_t index = atomic_fetch_add(&timeline->count, 1);

	if (index >= LAB_SPANS_MAX || timeline->parts == 0) {
		return;
	}
	timeline->spans[index] =
		(struct lab_span){ timeline->parts - 1, row, doing, name, from_ns, to_ns };
}

/* Counting */

unsigned lab_span_count(const struct lab_timeline *timeline)
{
	uint32_t count = atomic_load(&timeline->count);

	return count < LAB_SPANS_MAX ? count : LAB_SPANS_MAX;
}

static unsigned working_at(const struct lab_timeline *timeline, unsigned part, int64_t at_ns)
{
	unsigned working = 0;

	for (unsigned i = 0; i < lab_span_count(timeline); i++) {
		const struct lab_span *span = &timeline->spans[i];
		working += span->part == part && span->doing == LAB_WORKS &&
			   span->from_ns <= at_ns && at_ns < span->to_ns;
	}
	return working;
}

/* The most is reached at some span's beginning. */
unsigned lab_most_at_once(const struct lab *lab, unsigned part)
{
	unsigned most = 0;

	for (unsigned i = 0; i < lab_span_count(lab->timeline); i++) {
		unsigned now = working_at(lab->timeline, part, lab->timeline->spans[i].from_ns);
		most = now > most ? now : most;
	}
	return most;
}

int64_t lab_part_ns(const struct lab *lab, unsigned part)
{
	int64_t length_ns = 0;

	for (unsigned i = 0; i < lab_span_count(lab->timeline); i++) {
		const struct lab_span *span = &lab->timeline->spans[i];
		int64_t end_ns = span->to_ns - lab->timeline->list[part].start_ns;
		if (span->part == part && end_ns > length_ns) {
			length_ns = end_ns;
		}
	}
	return length_ns;
}

unsigned lab_row_count(const struct lab_timeline *timeline, unsigned part)
{
	unsigned rows = 0;

	for (unsigned i = 0; i < lab_span_count(timeline); i++) {
		if (timeline->spans[i].part == part && timeline->spans[i].row >= rows) {
			rows = timeline->spans[i].row + 1;
		}
	}
	return rows;
}

/* Bars */

enum { MARK_NOTHING, MARK_WAITS, MARK_WORKS };

static const struct chart_mark marks[] = {
	[MARK_NOTHING] = { "", " ", " ", "" },
	[MARK_WAITS] = { "\033[33m", ".", "░", "waiting" },
	[MARK_WORKS] = { "\033[32m", "#", "█", "at work" },
};

static void row_label(const struct lab_part *part, unsigned row, char label[LABEL_SIZE])
{
	snprintf(label, LABEL_SIZE, "%s %u", part->who, row + 1);
}

static void print_row(const struct chart *chart, const struct lab_timeline *timeline, unsigned part,
		      unsigned row)
{
	const int64_t start_ns = timeline->list[part].start_ns;
	chart_cells cells = { MARK_NOTHING };
	char label[LABEL_SIZE];

	for (unsigned i = 0; i < lab_span_count(timeline); i++) {
		const struct lab_span *span = &timeline->spans[i];
		const bool works = span->doing == LAB_WORKS;
		if (span->part == part && span->row == row) {
			chart_fill(chart, cells, span->from_ns - start_ns, span->to_ns - start_ns,
				   works ? MARK_WORKS : MARK_WAITS, works);
		}
	}
	row_label(&timeline->list[part], row, label);
	printf("    %-12s |", label);
	chart_print_cells(chart, cells);
	puts("|");
}

static int64_t longest_part_ns(const struct lab *lab)
{
	int64_t longest_ns = 1;

	for (unsigned part = 0; part < lab->timeline->parts; part++) {
		int64_t length_ns = lab_part_ns(lab, part);
		longest_ns = length_ns > longest_ns ? length_ns : longest_ns;
	}
	return longest_ns;
}

void lab_show_timeline(struct lab *lab)
{
	const struct lab_timeline *timeline = lab->timeline;
	const struct chart chart = { .style = &lab->style,
				     .marks = marks,
				     .columns = BAR_COLUMNS,
				     .longest_ns = longest_part_ns(lab),
				     .to = stdout };

	lab_turn_to(lab, LAB_DRAWS);
	for (unsigned part = 0; part < timeline->parts; part++) {
		printf("%s  %s, %.0f ms:\n", part > 0 ? "\n" : "", timeline->list[part].title,
		       lab_ms(lab_part_ns(lab, part)));
		for (unsigned row = 0; row < lab_row_count(timeline, part); row++) {
			print_row(&chart, timeline, part, row);
		}
	}
	printf("    ");
	chart_print_legend(&chart, MARK_WAITS, MARK_WORKS);
}

/* The trace */

static void add_part(struct trace *trace, const struct lab *lab, unsigned part)
{
	const struct lab_part *about = &lab->timeline->list[part];
	char name[PROCESS_NAME_SIZE];

	snprintf(name, sizeof(name), "%s: %s", lab->name, about->title);
	trace_process(trace, name);
	for (unsigned row = 0; row < lab_row_count(lab->timeline, part); row++) {
		row_label(about, row, name);
		trace_thread(trace, row + 1, name);
	}
	for (unsigned i = 0; i < lab_span_count(lab->timeline); i++) {
		const struct lab_span *span = &lab->timeline->spans[i];
		int64_t from_ns = span->from_ns - about->start_ns;
		if (span->part == part && span->to_ns != 0) {
			from_ns = from_ns > 0 ? from_ns : 0;
			trace_slice(trace, span->row + 1, span->name,
				    span->doing == LAB_WORKS ? "work" : "wait", from_ns,
				    from_ns + span->to_ns - span->from_ns);
		}
	}
}

void lab_trace(struct lab *lab, struct trace *trace)
{
	for (unsigned part = 0; part < lab->timeline->parts; part++) {
		add_part(trace, lab, part);
	}
}
