/* The trace's format: "Trace Event Format", the Chromium project's. Times are microseconds. */
#include "client/lab/timeline.h"

#include <inttypes.h>

#include "client/lab/lab.h"
#include "shared/base/clock.h"

#define BAR_COLUMNS 52
#define LABEL_SIZE  24 /* bytes of "worker 1" */

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

static unsigned span_count(const struct lab_timeline *timeline)
{
	uint32_t count = atomic_load(&timeline->count);

	return count < LAB_SPANS_MAX ? count : LAB_SPANS_MAX;
}

static unsigned working_at(const struct lab_timeline *timeline, unsigned part, int64_t at_ns)
{
	unsigned working = 0;

	for (unsigned i = 0; i < span_count(timeline); i++) {
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

	for (unsigned i = 0; i < span_count(lab->timeline); i++) {
		unsigned now = working_at(lab->timeline, part, lab->timeline->spans[i].from_ns);
		most = now > most ? now : most;
	}
	return most;
}

int64_t lab_part_ns(const struct lab *lab, unsigned part)
{
	int64_t length_ns = 0;

	for (unsigned i = 0; i < span_count(lab->timeline); i++) {
		const struct lab_span *span = &lab->timeline->spans[i];
		int64_t end_ns = span->to_ns - lab->timeline->list[part].start_ns;
		if (span->part == part && end_ns > length_ns) {
			length_ns = end_ns;
		}
	}
	return length_ns;
}

static unsigned row_count(const struct lab_timeline *timeline, unsigned part)
{
	unsigned rows = 0;

	for (unsigned i = 0; i < span_count(timeline); i++) {
		if (timeline->spans[i].part == part && timeline->spans[i].row >= rows) {
			rows = timeline->spans[i].row + 1;
		}
	}
	return rows;
}

/* Bars */

enum mark { MARK_NOTHING, MARK_WAITS, MARK_WORKS, MARKS };

static const struct look {
	const char *colour; /* of ANSI's, as ECMA-48 numbers them */
	const char *ascii;
	const char *unicode;
} looks[MARKS] = {
	[MARK_NOTHING] = { "", " ", " " },
	[MARK_WAITS] = { "\033[33m", ".", "░" },
	[MARK_WORKS] = { "\033[32m", "#", "█" },
};

/* Marks a span's columns. Work covers waiting; waiting of less than half a column is not shown. */
static void mark_span(const struct lab_timeline *timeline, const struct lab_span *span,
		      int64_t scale_ns, enum mark *bar)
{
	int64_t start_ns = timeline->list[span->part].start_ns;
	int64_t first = (span->from_ns - start_ns) * BAR_COLUMNS / scale_ns;
	int64_t last = ((span->to_ns - start_ns) * BAR_COLUMNS - 1) / scale_ns;
	enum mark mark = span->doing == LAB_WORKS ? MARK_WORKS : MARK_WAITS;

	if (mark == MARK_WAITS && (span->to_ns - span->from_ns) * BAR_COLUMNS * 2 < scale_ns) {
		return;
	}
	for (int64_t i = first < 0 ? 0 : first; i <= last && i < BAR_COLUMNS; i++) {
		bar[i] = bar[i] > mark ? bar[i] : mark;
	}
}

static void print_bar(const struct lab *lab, const enum mark *bar)
{
	enum mark last = MARK_NOTHING;

	for (unsigned i = 0; i < BAR_COLUMNS; i++) {
		if (lab->colour && bar[i] != last) {
			fputs(bar[i] == MARK_NOTHING ? "\033[0m" : looks[bar[i]].colour, stdout);
		}
		fputs(lab->unicode ? looks[bar[i]].unicode : looks[bar[i]].ascii, stdout);
		last = bar[i];
	}
	fputs(lab->colour ? "\033[0m|\n" : "|\n", stdout);
}

static void print_row(const struct lab *lab, unsigned part, unsigned row, int64_t scale_ns)
{
	const struct lab_timeline *timeline = lab->timeline;
	enum mark bar[BAR_COLUMNS] = { MARK_NOTHING };
	char label[LABEL_SIZE];

	for (unsigned i = 0; i < span_count(timeline); i++) {
		const struct lab_span *span = &timeline->spans[i];
		if (span->part == part && span->row == row) {
			mark_span(timeline, span, scale_ns, bar);
		}
	}
	snprintf(label, sizeof(label), "%s %u", timeline->list[part].who, row + 1);
	printf("    %-12s |", label);
	print_bar(lab, bar);
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

static void print_part(const struct lab *lab, unsigned part, int64_t scale_ns)
{
	printf("%s  %s, %.0f ms:\n", part > 0 ? "\n" : "", lab->timeline->list[part].title,
	       lab_ms(lab_part_ns(lab, part)));
	for (unsigned row = 0; row < row_count(lab->timeline, part); row++) {
		print_row(lab, part, row, scale_ns);
	}
}

void lab_show_timeline(struct lab *lab)
{
	int64_t scale_ns = longest_part_ns(lab);

	lab_turn_to(lab, LAB_DRAWS);
	for (unsigned part = 0; part < lab->timeline->parts; part++) {
		print_part(lab, part, scale_ns);
	}
	printf("    (%s at work, %s waiting)\n",
	       lab->unicode ? looks[MARK_WORKS].unicode : looks[MARK_WORKS].ascii,
	       lab->unicode ? looks[MARK_WAITS].unicode : looks[MARK_WAITS].ascii);
}

/* The trace */

static void begin_event(struct lab_trace *trace, char kind, unsigned thread, int64_t at_ns)
{
	fprintf(trace->file, "%s\n{\"ph\":\"%c\",\"pid\":%u,\"tid\":%u,\"ts\":%" PRId64 ".%03d",
		trace->begun ? "," : "", kind, trace->processes, thread, at_ns / NS_PER_US,
		(int)(at_ns % NS_PER_US));
	trace->begun = true;
}

static void write_names(struct lab_trace *trace, const struct lab *lab, unsigned part)
{
	const struct lab_part *names = &lab->timeline->list[part];

	begin_event(trace, 'M', 0, 0);
	fprintf(trace->file, ",\"name\":\"process_name\",\"args\":{\"name\":\"%s: %s\"}}",
		lab->name, names->title);
	for (unsigned row = 0; row < row_count(lab->timeline, part); row++) {
		begin_event(trace, 'M', row + 1, 0);
		fprintf(trace->file, ",\"name\":\"thread_name\",\"args\":{\"name\":\"%s %u\"}}",
			names->who, row + 1);
	}
}

static void write_span(struct lab_trace *trace, const struct lab_span *span, int64_t start_ns)
{
	int64_t length_ns = span->to_ns - span->from_ns;
	int64_t from_ns = span->from_ns > start_ns ? span->from_ns - start_ns : 0;

	begin_event(trace, 'X', span->row + 1, from_ns);
	fprintf(trace->file, ",\"dur\":%" PRId64 ".%03d,\"name\":\"%s\",\"cat\":\"%s\"}",
		length_ns / NS_PER_US, (int)(length_ns % NS_PER_US), span->name,
		span->doing == LAB_WORKS ? "work" : "wait");
}

void lab_trace_begin(struct lab_trace *trace, FILE *file)
{
	*trace = (struct lab_trace){ .file = file };
	fputs("{\"displayTimeUnit\":\"ms\",\"traceEvents\":[", file);
}

void lab_trace_add(struct lab_trace *trace, const struct lab *lab)
{
	const struct lab_timeline *timeline = lab->timeline;

	for (unsigned part = 0; part < timeline->parts; part++) {
		trace->processes++;
		write_names(trace, lab, part);
		for (unsigned i = 0; i < span_count(timeline); i++) {
			if (timeline->spans[i].part == part && timeline->spans[i].to_ns != 0) {
				write_span(trace, &timeline->spans[i],
					   timeline->list[part].start_ns);
			}
		}
	}
}

void lab_trace_end(struct lab_trace *trace)
{
	fputs("\n]}\n", trace->file);
}
