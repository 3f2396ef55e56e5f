/*
 * report: what an experiment prints: what it shows, what it measured, and the facts that theory
 * demands.
 *
 * All goes through its `struct lab`, which counts the facts that did not hold. Facts are counts,
 * orders and states; a time is only ever compared with a much longer one, so that they hold on a
 * busy machine, too. An experiment ends all the processes that it starts. What it cannot do for
 * want of memory or processes ends the program (die).
 */
#ifndef CLIENT_LAB_REPORT_H
#define CLIENT_LAB_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "client/terminal/style.h"
#include "shared/base/clock.h"
#include "shared/base/memory.h"

#define LAB_FACTS_MAX 16
#define LAB_FACT_SIZE 128 /* bytes, a NUL counted in */

/* How long an experiment waits for what should come at once. */
#define LAB_PATIENCE_NS (10 * NS_PER_SECOND)

/* Lines of different kinds stand apart. */
enum lab_line { LAB_TITLE, LAB_SAYS, LAB_SHOWS, LAB_DRAWS, LAB_STATES };

struct lab_fact {
	bool holds;
	char text[LAB_FACT_SIZE];
};

struct lab_timeline;

/* One run of one experiment. */
struct lab {
	const char *name;
	struct memory memory; /* shared with the children; given back after the run */
	struct lab_timeline *timeline;
	struct terminal_style style;
	enum lab_line last; /* printed */
	struct lab_fact facts[LAB_FACTS_MAX];
	unsigned fact_count;
	unsigned wrong; /* facts that did not hold */
};

/* A line of prose. */
__attribute__((format(printf, 2, 3))) void lab_say(struct lab *lab, const char *format, ...);

/* What was measured, or seen: "label    value". */
__attribute__((format(printf, 3, 4))) void lab_show(struct lab *lab, const char *label,
						    const char *format, ...);

/* Before what is printed otherwise: an empty line, unless the last one was of this kind. */
void lab_turn_to(struct lab *lab, enum lab_line line);

/*
 * A fact that theory demands: it HOLDS, or the experiment failed. Facts are printed together, at
 * the end. In the parent only.
 */
__attribute__((format(printf, 3, 4))) void lab_expect(struct lab *lab, bool holds,
						      const char *format, ...);

/* Prints the facts; the runner calls it. */
void lab_print_facts(struct lab *lab);

/* LENGTH zeroed bytes, shared with the children, until the end of the run. */
void *lab_share(struct lab *lab, size_t length);

/* Milliseconds, for showing. */
double lab_ms(int64_t ns);

#endif
