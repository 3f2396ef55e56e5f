/*
 * timeline: a race as pictures: in the terminal, as an SVG, and as a trace. A row a buyer, all
 * heats on one scale of time. Nothing here can fail but the writing, which the caller finds by
 * ferror.
 */
#ifndef CLIENT_RACE_TIMELINE_H
#define CLIENT_RACE_TIMELINE_H

#include <stdbool.h>
#include <stdio.h>

#include "client/race/race.h"

struct timeline_style {
	unsigned columns; /* of the terminal */
	bool colour;
	bool unicode; /* else ASCII */
};

/* For a terminal, or, plain, for a file. */
void timeline_print(const struct race *race, const struct timeline_style *style, FILE *to);

/* One self-contained SVG, as large as a slide (16:9, or higher for many rows), for light and dark.
 */
void timeline_write_svg(const struct race *race, FILE *to);

/*
 * Chrome's event format (JSON), which Perfetto opens: a process a heat and a thread a buyer, slices
 * within slices, counters, and an arrow from who leaves to who comes in for it.
 */
void timeline_write_trace(const struct race *race, FILE *to);

/* What the pictures share: how far apart marks on the scale stand, MOST of them at most; */
int64_t timeline_step_ns(int64_t longest_ns, unsigned most);

/* "10 sold of 5: 5 too many"; */
#define TIMELINE_TEXT_SIZE 128
void timeline_verdict(const struct race_heat *heat, char *text);

/* and "5 -> 4": it read 5 left and wrote 4; or "sold out". */
void timeline_outcome(const struct race_buyer *buyer, const char *arrow, char *text);

#endif
