/*
 * metric: what the server counts and is, in one table: /stats shows it, and /metrics.
 */
#ifndef SERVER_STATE_METRIC_H
#define SERVER_STATE_METRIC_H

#include <stddef.h>
#include <stdint.h>

#include "server/state/shared_state.h"
#include "shared/base/histogram.h"

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_WORD };

struct metric {
	const char *name; /* "turnstile_commands_total" */
	const char *help;
	enum metric_kind kind;
	uint64_t number;
	const char *word; /* METRIC_WORD has one in place of a number */
};

extern const size_t metric_count;

/* The metric I as it is at WALL_NS. */
struct metric metric_read(const struct shared_state *shared, size_t i, int64_t wall_ns);

/* How long something took, in nanoseconds, in all workers. */
enum metric_duration {
	DURATION_BOOKING,
	DURATION_LOCK,
	DURATION_HELD,
	DURATION_ADOPTION,
	METRIC_DURATIONS
};

struct metric_histogram {
	const char *name; /* "turnstile_booking_seconds" */
	const char *help;
	struct histogram values;
};

struct metric_histogram metric_read_histogram(const struct shared_state *shared,
					      enum metric_duration duration);

#endif
