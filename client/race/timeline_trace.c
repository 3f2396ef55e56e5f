/*
 * The format: "Trace Event Format", the Chromium project's. Times are microseconds; a slice is an X
 * event, so it cannot lack its end; an arrow is an s and an f event of one id.
 */
#include "client/race/timeline.h"

#include <inttypes.h>

#include "shared/base/clock.h"

#define THREAD(buyer) ((buyer) + 1)

struct trace {
	const struct race_heat *heat;
	unsigned process; /* a heat is one */
	unsigned *flows;  /* arrows so far */
	bool *first;      /* event of all */
	FILE *to;
};

/* Begins an event; the rest of it and its brace are the caller's. */
static void begin_event(const struct trace *trace, char kind, unsigned thread, int64_t at_ns)
{
	fprintf(trace->to, "%s\n{\"ph\":\"%c\",\"pid\":%u,\"tid\":%u,\"ts\":%" PRId64 ".%03d",
		*trace->first ? "" : ",", kind, trace->process, thread, at_ns / NS_PER_US,
		(int)(at_ns % NS_PER_US));
	*trace->first = false;
}

static void write_slice(const struct trace *trace, unsigned buyer, const char *name,
			struct race_stretch stretch)
{
	int64_t length_ns = stretch.to_ns - stretch.from_ns;

	begin_event(trace, 'X', THREAD(buyer), stretch.from_ns);
	fprintf(trace->to, ",\"dur\":%" PRId64 ".%03d,\"name\":\"%s\",\"cat\":\"race\"}",
		length_ns / NS_PER_US, (int)(length_ns % NS_PER_US), name);
}

/* A step within a phase: what ends with MOMENT and began with the one before. */
static void write_step(const struct trace *trace, unsigned buyer, const char *name,
		       enum race_moment moment)
{
	const int64_t *at_ns = trace->heat->buyers[buyer].at_ns;
	struct race_stretch stretch = { at_ns[moment - 1] - trace->heat->start_ns,
					at_ns[moment] - trace->heat->start_ns };

	if (stretch.to_ns > stretch.from_ns) {
		write_slice(trace, buyer, name, stretch);
	}
}

static void write_phase(const struct trace *trace, unsigned buyer, const char *name,
			enum race_phase phase)
{
	struct race_stretch stretch = race_stretch(trace->heat, buyer, phase);

	if (stretch.to_ns > stretch.from_ns) {
		write_slice(trace, buyer, name, stretch);
	}
}

static void write_outcome(const struct trace *trace, unsigned buyer)
{
	const struct race_buyer *notes = &trace->heat->buyers[buyer];
	char text[TIMELINE_TEXT_SIZE];

	timeline_outcome(notes, "->", text);
	begin_event(trace, 'i', THREAD(buyer), notes->at_ns[RACE_LEFT] - trace->heat->start_ns);
	fprintf(trace->to, ",\"s\":\"t\",\"name\":\"%s%s\",\"cat\":\"race\"}", text,
		notes->oversold ? ", too many" : "");
}

static void write_buyer(const struct trace *trace, unsigned buyer)
{
	write_phase(trace, buyer, "not started yet", RACE_HELD_BACK);
	write_phase(trace, buyer, "search", RACE_SEARCH);
	write_step(trace, buyer, "read", RACE_LOOKED);
	write_step(trace, buyer, "think", RACE_DECIDED);
	write_phase(trace, buyer, "waiting", RACE_WAIT);
	write_phase(trace, buyer, "critical section", RACE_CRITICAL);
	write_step(trace, buyer, "read", RACE_READ);
	write_step(trace, buyer, "think", RACE_THOUGHT);
	write_step(trace, buyer, "write", RACE_LEFT);
	write_outcome(trace, buyer);
}

static void write_name(const struct trace *trace, unsigned thread, const char *what,
		       const char *name)
{
	begin_event(trace, 'M', thread, 0);
	fprintf(trace->to, ",\"name\":\"%s\",\"args\":{\"name\":\"%s\"}}", what, name);
}

static void write_names(const struct trace *trace)
{
	char name[TIMELINE_TEXT_SIZE];

	snprintf(name, sizeof(name), "%s: %s", race_strategy_name(trace->heat->strategy),
		 race_strategy_motto(trace->heat->strategy));
	write_name(trace, 0, "process_name", name);
	for (unsigned i = 0; i < trace->heat->count; i++) {
		snprintf(name, sizeof(name), "buyer %u (process %d)", i + 1,
			 (int)trace->heat->buyers[i].pid);
		write_name(trace, THREAD(i), "thread_name", name);
	}
}

static void write_counter(const struct trace *trace, const char *name, int64_t at_ns, int64_t value)
{
	begin_event(trace, 'C', 0, at_ns);
	fprintf(trace->to, ",\"name\":\"%s\",\"args\":{\"%s\":%" PRId64 "}}", name, name, value);
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

static void write_counters(const struct trace *trace)
{
	const struct race_heat *heat = trace->heat;

	write_counter(trace, "tickets left", 0, heat->tickets);
	write_counter(trace, "waiting", 0, waiting_at(heat, 0));
	for (unsigned i = 0; i < heat->count; i++) {
		int64_t from_ns = waits_from_ns(heat, i);
		int64_t to_ns = waits_to_ns(heat, i);
		write_counter(trace, "waiting", from_ns, waiting_at(heat, from_ns));
		write_counter(trace, "waiting", to_ns, waiting_at(heat, to_ns));
		if (heat->buyers[i].outcome == RACE_BOUGHT) {
			write_counter(trace, "tickets left",
				      race_stretch(heat, i, RACE_CRITICAL).to_ns,
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
static void write_arrow(const struct trace *trace, unsigned from, unsigned to)
{
	const struct race_stretch left = race_stretch(trace->heat, from, RACE_CRITICAL);
	const unsigned flow = ++*trace->flows;

	begin_event(trace, 's', THREAD(from),
		    left.to_ns > left.from_ns ? left.to_ns - 1 : left.to_ns);
	fprintf(trace->to, ",\"id\":%u,\"name\":\"handover\",\"cat\":\"race\"}", flow);
	begin_event(trace, 'f', THREAD(to), waits_to_ns(trace->heat, to));
	fprintf(trace->to, ",\"bp\":\"e\",\"id\":%u,\"name\":\"handover\",\"cat\":\"race\"}", flow);
}

static void write_arrows(const struct trace *trace)
{
	for (unsigned i = 0; i < trace->heat->count; i++) {
		unsigned from = predecessor(trace->heat, i);
		if (from != i && trace->heat->strategy != RACE_NONE) {
			write_arrow(trace, from, i);
		}
	}
}

void timeline_write_trace(const struct race *race, FILE *to)
{
	unsigned flows = 0;
	bool first = true;

	fputs("{\"displayTimeUnit\":\"ms\",\"traceEvents\":[", to);
	for (size_t i = 0; i < race->count; i++) {
		const struct trace trace = { .heat = &race->heats[i],
					     .process = (unsigned)i + 1,
					     .flows = &flows,
					     .first = &first,
					     .to = to };
		write_names(&trace);
		for (unsigned buyer = 0; buyer < trace.heat->count; buyer++) {
			write_buyer(&trace, buyer);
		}
		write_counters(&trace);
		write_arrows(&trace);
	}
	fputs("\n]}\n", to);
}
