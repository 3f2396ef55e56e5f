/* In the trace, an arrow is an s and an f event of one id. */
#include "client/race/timeline_trace.h"

#include <inttypes.h>

#include "client/race/timeline.h"
#include "client/trace/trace.h"

#define THREAD(buyer) ((buyer) + 1)

struct drawing {
	const struct race_heat *heat;
	struct trace *trace;
	unsigned *arrows; /* so far */
};

static void write_slice(const struct drawing *drawing, unsigned buyer, const char *name,
			struct race_stretch stretch)
{
	if (stretch.to_ns > stretch.from_ns) {
		trace_slice(drawing->trace, THREAD(buyer), name, "race", stretch.from_ns,
			    stretch.to_ns);
	}
}

/* A step within a phase: what ends with MOMENT and began with the one before. */
static void write_step(const struct drawing *drawing, unsigned buyer, const char *name,
		       enum race_moment moment)
{
	const int64_t *at_ns = drawing->heat->buyers[buyer].at_ns;
	struct race_stretch stretch = { at_ns[moment - 1] - drawing->heat->start_ns,
					at_ns[moment] - drawing->heat->start_ns };

	write_slice(drawing, buyer, name, stretch);
}

static void write_phase(const struct drawing *drawing, unsigned buyer, const char *name,
			enum race_phase phase)
{
	write_slice(drawing, buyer, name, race_stretch(drawing->heat, buyer, phase));
}

static void write_outcome(const struct drawing *drawing, unsigned buyer)
{
	const struct race_buyer *notes = &drawing->heat->buyers[buyer];
	char text[TIMELINE_TEXT_SIZE];

	timeline_outcome(notes, "->", text);
	trace_event(drawing->trace, 'i', THREAD(buyer),
		    notes->at_ns[RACE_LEFT] - drawing->heat->start_ns,
		    "\"s\":\"t\",\"name\":\"%s%s\",\"cat\":\"race\"", text,
		    notes->oversold ? ", too many" : "");
}

static void write_buyer(const struct drawing *drawing, unsigned buyer)
{
	write_phase(drawing, buyer, "not started yet", RACE_HELD_BACK);
	write_phase(drawing, buyer, "search", RACE_SEARCH);
	write_step(drawing, buyer, "read", RACE_LOOKED);
	write_step(drawing, buyer, "think", RACE_DECIDED);
	write_phase(drawing, buyer, "waiting", RACE_WAIT);
	write_phase(drawing, buyer, "critical section", RACE_CRITICAL);
	write_step(drawing, buyer, "read", RACE_READ);
	write_step(drawing, buyer, "think", RACE_THOUGHT);
	write_step(drawing, buyer, "write", RACE_WROTE);
	write_outcome(drawing, buyer);
}

static void write_names(const struct drawing *drawing)
{
	char name[TIMELINE_TEXT_SIZE];

	snprintf(name, sizeof(name), "%s: %s", race_strategy_name(drawing->heat->strategy),
		 race_strategy_motto(drawing->heat->strategy));
	trace_process(drawing->trace, name);
	for (unsigned i = 0; i < drawing->heat->count; i++) {
		snprintf(name, sizeof(name), "buyer %u (process %d)", i + 1,
			 (int)drawing->heat->buyers[i].pid);
		trace_thread(drawing->trace, THREAD(i), name);
	}
}

static void write_counter(const struct drawing *drawing, const char *name, int64_t at_ns,
			  int64_t value)
{
	trace_event(drawing->trace, 'C', 0, at_ns, "\"name\":\"%s\",\"args\":{\"%s\":%" PRId64 "}",
		    name, name, value);
}

/* When BUYER began to wait: for join that is from the beginning. */
static int64_t waits_from_ns(const struct race_heat *heat, unsigned buyer)
{
	const struct race_stretch wait = race_stretch(heat, buyer, RACE_WAIT);

	return heat->strategy == RACE_JOIN ? 0 : wait.from_ns;
}

/* When its turn came. */
static int64_t waits_to_ns(const struct race_heat *heat, unsigned buyer)
{
	return heat->strategy == RACE_JOIN ? race_stretch(heat, buyer, RACE_HELD_BACK).to_ns
					   : race_stretch(heat, buyer, RACE_WAIT).to_ns;
}

static int64_t waiting_at(const struct race_heat *heat, int64_t at_ns)
{
	int64_t waiting = 0;

	for (unsigned i = 0; i < heat->count; i++) {
		waiting += waits_from_ns(heat, i) <= at_ns && at_ns < waits_to_ns(heat, i);
	}
	return waiting;
}

static void write_counters(const struct drawing *drawing)
{
	const struct race_heat *heat = drawing->heat;

	write_counter(drawing, "tickets left", 0, heat->tickets);
	write_counter(drawing, "waiting", 0, waiting_at(heat, 0));
	for (unsigned i = 0; i < heat->count; i++) {
		int64_t from_ns = waits_from_ns(heat, i);
		int64_t to_ns = waits_to_ns(heat, i);
		write_counter(drawing, "waiting", from_ns, waiting_at(heat, from_ns));
		write_counter(drawing, "waiting", to_ns, waiting_at(heat, to_ns));
		if (heat->buyers[i].outcome == RACE_BOUGHT) {
			write_counter(drawing, "tickets left",
				      heat->buyers[i].at_ns[RACE_WROTE] - heat->start_ns,
				      heat->buyers[i].left);
		}
	}
}

/* Who left last before BUYER's turn came, while it waited; its own number when nobody did. */
static unsigned predecessor(const struct race_heat *heat, unsigned buyer)
{
	unsigned found = buyer;
	int64_t best_ns = waits_from_ns(heat, buyer);

	for (unsigned i = 0; i < heat->count; i++) {
		int64_t left_ns = race_stretch(heat, i, RACE_CRITICAL).to_ns;
		if (i != buyer && left_ns > best_ns && left_ns <= waits_to_ns(heat, buyer)) {
			best_ns = left_ns;
			found = i;
		}
	}
	return found;
}

/* The arrow begins within the slice that it leaves, and ends within the one it leads to. */
static void write_arrow(const struct drawing *drawing, unsigned from, unsigned to)
{
	const struct race_stretch left = race_stretch(drawing->heat, from, RACE_CRITICAL);
	const unsigned arrow = ++*drawing->arrows;

	trace_event(drawing->trace, 's', THREAD(from),
		    left.to_ns > left.from_ns ? left.to_ns - 1 : left.to_ns,
		    "\"id\":%u,\"name\":\"handover\",\"cat\":\"race\"", arrow);
	trace_event(drawing->trace, 'f', THREAD(to), waits_to_ns(drawing->heat, to),
		    "\"bp\":\"e\",\"id\":%u,\"name\":\"handover\",\"cat\":\"race\"", arrow);
}

static void write_arrows(const struct drawing *drawing)
{
	for (unsigned i = 0; i < drawing->heat->count; i++) {
		unsigned from = predecessor(drawing->heat, i);
		if (from != i && drawing->heat->strategy != RACE_NONE) {
			write_arrow(drawing, from, i);
		}
	}
}

void timeline_write_trace(const struct race *race, FILE *to)
{
	struct trace trace;
	unsigned arrows = 0;

	trace_begin(&trace, to);
	for (size_t i = 0; i < race->count; i++) {
		const struct drawing drawing = { &race->heats[i], &trace, &arrows };
		write_names(&drawing);
		for (unsigned buyer = 0; buyer < drawing.heat->count; buyer++) {
			write_buyer(&drawing, buyer);
		}
		write_counters(&drawing);
		write_arrows(&drawing);
	}
	trace_end(&trace);
}
