/*
 * timeline: who did what when in an experiment, written down by the processes themselves, and
 * shown as bars in the terminal or as a trace (client/trace/trace.h).
 *
 * It lies in memory that the experiment's processes share. A part is one way of doing it ("one by
 * one"); parts are shown on one scale. Notes beyond LAB_SPANS_MAX are not kept.
 */
#ifndef CLIENT_LAB_TIMELINE_H
#define CLIENT_LAB_TIMELINE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "client/lab/report.h"
#include "client/trace/trace.h"

#define LAB_SPANS_MAX 2048
#define LAB_PARTS_MAX 4

enum lab_doing { LAB_WORKS, LAB_WAITS };

struct lab_span {
	unsigned part;
	unsigned row;
	enum lab_doing doing;
	const char *name; /* a constant */
	int64_t from_ns;  /* monotonic */
	int64_t to_ns;    /* written last; 0: was not noted to its end */
};

struct lab_part {
	const char *title; /* constants */
	const char *who;   /* of a row: "worker", and its number follows */
	int64_t start_ns;
};

/* `parts` and `list` are the parent's, written before it starts the processes that note. */
struct lab_timeline {
	unsigned parts;
	struct lab_part list[LAB_PARTS_MAX];
	_Atomic uint32_t count; /* spans given out */
	struct lab_span spans[LAB_SPANS_MAX];
};

/* Begins a part, with rows named WHO 1, WHO 2 and so on. */
void lab_part(struct lab *lab, const char *title, const char *who);

/* Notes, in any process, that ROW (from 0 on) did this since FROM_NS until now. */
void lab_note(struct lab *lab, unsigned row, enum lab_doing doing, const char *name,
	      int64_t from_ns);

/* How many rows of a part (from 0 on) worked at one and the same moment, at most. */
unsigned lab_most_at_once(const struct lab *lab, unsigned part);

/* From the part's start to its last note. */
int64_t lab_part_ns(const struct lab *lab, unsigned part);

/* How many spans were kept, and how many rows a part has. */
unsigned lab_span_count(const struct lab_timeline *timeline);
unsigned lab_row_count(const struct lab_timeline *timeline, unsigned part);

/* Shows all parts as bars. */
void lab_show_timeline(struct lab *lab);

/* Adds all parts to a trace: a part is a process in it and a row a thread. */
void lab_trace(struct lab *lab, struct trace *trace);

#endif
