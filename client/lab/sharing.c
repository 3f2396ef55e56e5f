/* What processors share without being asked to: false-sharing. */
#include <stdatomic.h>
#include <stdint.h>

#include "client/lab/children.h"
#include "client/lab/experiments.h"
#include "client/lab/report.h"
#include "client/lab/timeline.h"
#include "shared/sync/barrier.h"

#define COUNTERS 2
#define TIMES    10000000

/*
 * false-sharing. Python: Array("q", 2), and each process counts in its own element: right, and
 * slower than it need be, since a processor has to own the whole line that it writes to.
 */

struct pair {
	struct barrier together;
	_Alignas(CACHE_LINE) _Atomic uint64_t beside[COUNTERS];
	struct {
		_Alignas(CACHE_LINE) _Atomic uint64_t value;
	} apart[COUNTERS];
	bool on_two_lines;
};

static _Atomic uint64_t *counter_of(struct pair *pair, unsigned number)
{
	return pair->on_two_lines ? &pair->apart[number].value : &pair->beside[number];
}

static void count_own(struct lab *lab, void *shared, unsigned number)
{
	struct pair *pair = shared;
	_Atomic uint64_t *counter = counter_of(pair, number);

	barrier_wait(&pair->together, LAB_PATIENCE_NS);
	int64_t start_ns = clock_monotonic_ns();
	for (unsigned i = 0; i < TIMES; i++) {
		atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
	}
	lab_note(lab, number, LAB_WORKS, "counts", start_ns);
}

static bool share_a_line(struct pair *pair)
{
	return (uintptr_t)counter_of(pair, 0) / CACHE_LINE ==
	       (uintptr_t)counter_of(pair, 1) / CACHE_LINE;
}

/* Bytes from one counter to the other. */
static int distance(struct pair *pair)
{
	return (int)((uintptr_t)counter_of(pair, 1) - (uintptr_t)counter_of(pair, 0));
}

/* Both count; whether nothing was lost. */
static bool count_both(struct lab *lab, struct pair *pair, bool on_two_lines, const char *title)
{
	unsigned part = lab->timeline->parts;

	pair->on_two_lines = on_two_lines;
	lab_part(lab, title, "process");
	lab_children_run(lab, COUNTERS, count_own, pair);
	lab_show(lab, title, "%3d bytes apart   %6.1f ns an update", distance(pair),
		 (double)lab_part_ns(lab, part) / TIMES);
	return atomic_load(counter_of(pair, 0)) == TIMES &&
	       atomic_load(counter_of(pair, 1)) == TIMES;
}

void lab_false_sharing(struct lab *lab)
{
	struct pair *pair = lab_share(lab, sizeof(*pair));

	lab_say(lab, "Two processes count to %d, each in a counter that nobody else touches.",
		TIMES);
	lab_say(lab, "A line of the cache has %d bytes, and one processor at a time may write it.",
		CACHE_LINE);
	barrier_init(&pair->together, COUNTERS);
	bool right = count_both(lab, pair, false, "on one line");
	bool together = share_a_line(pair);
	right = count_both(lab, pair, true, "on two lines") && right;
	lab_show_timeline(lab);
	lab_show(lab, "faster by", "%.1f times (with one processor: 1)",
		 (double)lab_part_ns(lab, 0) / (double)lab_part_ns(lab, 1));
	lab_expect(lab, together, "beside each other, the counters lie on one line");
	lab_expect(lab, !share_a_line(pair), "aligned to a line each, they lie on two");
	lab_expect(lab, right,
		   "both ways all is counted: sharing a line costs time, and is never wrong");
}
