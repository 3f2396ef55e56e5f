#include "server/state/metric.h"

#include "server/state/health.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"

/* What is no counter. */
enum figure {
	FIGURE_UPTIME,
	FIGURE_WORKERS,
	FIGURE_CONNECTIONS,
	FIGURE_SERIALIZE,
	FIGURE_HEALTHY,
	FIGURE_QUEUED,
	FIGURE_TLS,
	FIGURE_LOCK_HOLDER,
	FIGURE_LOCK_WAITING,
	FIGURE_BUS_UP,
	FIGURE_BUS_WAITING,
	FIGURE_BUS_SENT,
	FIGURE_BUS_RECEIVED,
	FIGURE_BUS_LEFT_OUT,
	FIGURE_BUS_CUTS,
	FIGURES
};

static const struct metric figures[FIGURES] = {
	[FIGURE_UPTIME] = { "turnstile_uptime_seconds", "How long the server has run", METRIC_GAUGE,
			    0, NULL },
	[FIGURE_WORKERS] = { "turnstile_workers", "Worker processes", METRIC_GAUGE, 0, NULL },
	[FIGURE_CONNECTIONS] = { "turnstile_connections", "Open connections of all kinds",
				 METRIC_GAUGE, 0, NULL },
	[FIGURE_HEALTHY] = { "turnstile_healthy", "Whether bookings can be taken (/healthz)",
			     METRIC_GAUGE, 0, NULL },
	[FIGURE_QUEUED] = { "turnstile_queued_bytes", "What is on its way to all receivers",
			    METRIC_GAUGE, 0, NULL },
	[FIGURE_TLS] = { "turnstile_tls_processes",
			 "Processes that carry TLS: one, and those of replaced programs that "
			 "still have connections",
			 METRIC_GAUGE, 0, NULL },
	[FIGURE_LOCK_HOLDER] = { "turnstile_lock_holder_pid",
				 "The process that has the store's lock now, 0 for none",
				 METRIC_GAUGE, 0, NULL },
	[FIGURE_LOCK_WAITING] = { "turnstile_lock_waiting", "Processes that wait for it now",
				  METRIC_GAUGE, 0, NULL },
	[FIGURE_BUS_UP] = { "turnstile_bus_connected",
			    "Whether the stream of all machines is being read", METRIC_GAUGE, 0,
			    NULL },
	[FIGURE_BUS_WAITING] = { "turnstile_bus_waiting",
				 "Lines said here that it does not have yet", METRIC_GAUGE, 0,
				 NULL },
	[FIGURE_BUS_SENT] = { "turnstile_bus_sent_total", "Lines sent to it, again if need be",
			      METRIC_COUNTER, 0, NULL },
	[FIGURE_BUS_RECEIVED] = { "turnstile_bus_received_total",
				  "Lines that it brought, those said here too", METRIC_COUNTER, 0,
				  NULL },
	[FIGURE_BUS_LEFT_OUT] = { "turnstile_bus_left_out_total",
				  "Messages in it that came twice or are not understood",
				  METRIC_COUNTER, 0, NULL },
	[FIGURE_BUS_CUTS] = { "turnstile_bus_cuts_total", "How often it was away for two seconds",
			      METRIC_COUNTER, 0, NULL },
	[FIGURE_SERIALIZE] = { "turnstile_serialize", "How bookings are put in a row", METRIC_WORD,
			       0, NULL },
};

static const char *const counter_helps[COUNTERS] = {
	[COUNTER_ACCEPTED] = "Connections taken over, of all kinds",
	[COUNTER_COMMANDS] = "Lines and requests carried out",
	[COUNTER_ERRORS] = "Lines and requests refused",
	[COUNTER_MESSAGES] = "Lines said in rooms",
	[COUNTER_DELIVERIES] = "Lines put into somebody's output",
	[COUNTER_MISSED] = "Lines of rooms that went round before they were read",
	[COUNTER_ADOPTED] = "Connections that a worker went on with when another ended",
	[COUNTER_CUT_OFF] = "Receivers cut off, too far behind",
	[COUNTER_ECHOED] = "Bytes echoed",
	[COUNTER_BOOKED] = "Tickets sold",
	[COUNTER_REFUSED] = "Booking requests refused",
	[COUNTER_COMMITS] = "Transactions of the store",
	[COUNTER_BATCHED] = "Booking requests carried out",
};

const size_t metric_count = FIGURES + COUNTERS;

static bool is_healthy(const struct shared_state *shared)
{
	char why[HEALTH_TEXT_SIZE];

	return health_is_good(shared, clock_monotonic_ns(), why);
}

static uint64_t bus_counter_of(const struct shared_state *shared, enum bus_counter counter)
{
	return shared->bus ? shared->bus->counters[counter] : 0;
}

static struct metric read_figure(const struct shared_state *shared, enum figure figure,
				 int64_t wall_ns)
{
	const struct scoreboard *scoreboard = shared->scoreboard;
	const struct mutex *lock = shared->store_lock;
	struct metric metric = figures[figure];

	switch (figure) {
	case FIGURE_UPTIME:
		metric.number = (uint64_t)((wall_ns - scoreboard->started_ns) / NS_PER_SECOND);
		break;
	case FIGURE_WORKERS: metric.number = scoreboard->wanted; break;
	case FIGURE_CONNECTIONS: metric.number = scoreboard_connections(scoreboard); break;
	case FIGURE_HEALTHY: metric.number = is_healthy(shared); break;
	case FIGURE_QUEUED: metric.number = scoreboard_queued_bytes(scoreboard); break;
	case FIGURE_TLS: metric.number = plain_ends_users(&shared->plain_ends); break;
	case FIGURE_LOCK_HOLDER:
		metric.number = lock ? (uint64_t)mutex_owner(lock, NULL) : 0;
		break;
	case FIGURE_LOCK_WAITING: metric.number = lock ? lock->waiting : 0; break;
	case FIGURE_SERIALIZE: metric.word = serialize_kind_name(shared->options->serialize); break;
	case FIGURE_BUS_UP: metric.number = shared->bus && shared->bus->up; break;
	case FIGURE_BUS_WAITING: metric.number = shared->bus ? bus_waiting(shared->bus) : 0; break;
	case FIGURE_BUS_SENT: metric.number = bus_counter_of(shared, BUS_SENT); break;
	case FIGURE_BUS_RECEIVED: metric.number = bus_counter_of(shared, BUS_RECEIVED); break;
	case FIGURE_BUS_LEFT_OUT: metric.number = bus_counter_of(shared, BUS_LEFT_OUT); break;
	case FIGURE_BUS_CUTS: metric.number = bus_counter_of(shared, BUS_CUTS); break;
	case FIGURES: break;
	}
	return metric;
}

struct metric metric_read(const struct shared_state *shared, size_t i, int64_t wall_ns)
{
	if (i < FIGURES) {
		return read_figure(shared, (enum figure)i, wall_ns);
	}
	enum counter counter = (enum counter)(i - FIGURES);

	return (struct metric){ .name = counter_name(counter),
				.help = counter_helps[counter],
				.kind = METRIC_COUNTER,
				.number = scoreboard_total(shared->scoreboard, counter) };
}

static const struct histogram *histogram_of(const struct score *score,
					    enum metric_duration duration)
{
	switch (duration) {
	case DURATION_BOOKING: return &score->booking_ns;
	case DURATION_LOCK: return &score->lock_wait_ns;
	case DURATION_ADOPTION: return &score->adoption_ns;
	case DURATION_HELD:
	case METRIC_DURATIONS: break;
	}
	bug("no such duration: %d", (int)duration);
}

struct metric_histogram metric_read_histogram(const struct shared_state *shared,
					      enum metric_duration duration)
{
	static const struct metric_histogram durations[METRIC_DURATIONS] = {
		[DURATION_BOOKING] = { .name = "turnstile_booking_seconds",
				       .help = "From a booking request to its answer" },
		[DURATION_LOCK] = { .name = "turnstile_lock_wait_seconds",
				    .help = "How long a clerk waits for the store's lock" },
		[DURATION_HELD] = { .name = "turnstile_lock_held_seconds",
				    .help = "How long it is held, by whomever" },
		[DURATION_ADOPTION] = { .name = "turnstile_adoption_seconds",
					.help = "From a worker's end until another goes on with "
						"its connections" },
	};
	struct metric_histogram sum = durations[duration];

	if (duration == DURATION_HELD) {
		if (shared->store_lock) {
			histogram_merge(&sum.values, &shared->store_lock->held);
		}
		return sum;
	}
	for (unsigned i = 0; i < shared->scoreboard->workers; i++) {
		histogram_merge(&sum.values,
				histogram_of(&shared->scoreboard->scores[i], duration));
	}
	return sum;
}
