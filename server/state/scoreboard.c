#include "server/state/scoreboard.h"

static const char *const counter_names[COUNTERS] = {
	[COUNTER_ACCEPTED] = "turnstile_accepted_total",
	[COUNTER_COMMANDS] = "turnstile_commands_total",
	[COUNTER_ERRORS] = "turnstile_errors_total",
	[COUNTER_MESSAGES] = "turnstile_messages_total",
	[COUNTER_DELIVERIES] = "turnstile_deliveries_total",
	[COUNTER_MISSED] = "turnstile_missed_total",
	[COUNTER_ADOPTED] = "turnstile_adopted_total",
	[COUNTER_CUT_OFF] = "turnstile_cut_off_total",
	[COUNTER_ECHOED] = "turnstile_echoed_bytes_total",
	[COUNTER_BOOKED] = "turnstile_tickets_booked_total",
	[COUNTER_REFUSED] = "turnstile_bookings_refused_total",
	[COUNTER_COMMITS] = "turnstile_commits_total",
	[COUNTER_BATCHED] = "turnstile_bookings_total",
};

void scoreboard_init(struct scoreboard *scoreboard, int64_t wall_ns)
{
	scoreboard->started_ns = wall_ns;
	for (unsigned i = 0; i < OPTIONS_WORKERS_MAX; i++) {
		waker_init(&scoreboard->scores[i].waker);
	}
	waker_init(&scoreboard->scores[SCOREBOARD_BUS].waker);
}

void scoreboard_finish(struct scoreboard *scoreboard)
{
	for (unsigned i = 0; i < OPTIONS_WORKERS_MAX; i++) {
		waker_finish(&scoreboard->scores[i].waker);
	}
	waker_finish(&scoreboard->scores[SCOREBOARD_BUS].waker);
}

uint64_t scoreboard_total(const struct scoreboard *scoreboard, enum counter counter)
{
	uint64_t total = 0;

	for (unsigned i = 0; i < scoreboard->workers; i++) {
		total += atomic_load_explicit(&scoreboard->scores[i].counters[counter],
					      memory_order_relaxed);
	}
	return total;
}

uint32_t scoreboard_connections(const struct scoreboard *scoreboard)
{
	uint32_t total = 0;

	for (unsigned i = 0; i < scoreboard->workers; i++) {
		total += atomic_load_explicit(&scoreboard->scores[i].connections,
					      memory_order_relaxed);
	}
	return total;
}

uint64_t scoreboard_queued_bytes(const struct scoreboard *scoreboard)
{
	uint64_t total = 0;

	for (unsigned i = 0; i < scoreboard->workers; i++) {
		total += atomic_load_explicit(&scoreboard->scores[i].queued_bytes,
					      memory_order_relaxed);
	}
	return total;
}

uint32_t scoreboard_furthest_behind(const struct scoreboard *scoreboard)
{
	uint32_t furthest = 0;

	for (uint32_t i = 1; i < scoreboard->workers; i++) {
		if (scoreboard->scores[i].furthest_bytes >
		    scoreboard->scores[furthest].furthest_bytes) {
			furthest = i;
		}
	}
	return furthest;
}

const char *counter_name(enum counter counter)
{
	return counter_names[counter];
}

const char *worker_state_name(enum worker_state state)
{
	switch (state) {
	case WORKER_DOWN: return "down";
	case WORKER_STARTING: return "starting";
	case WORKER_SERVING: return "serving";
	case WORKER_DRAINING: return "draining";
	case WORKER_RETIRING: return "retiring";
	}
	return "unknown";
}

bool scoreboard_is_used(const struct scoreboard *scoreboard, uint32_t worker)
{
	return worker < scoreboard->wanted || scoreboard->scores[worker].pid != 0;
}

bool scoreboard_has(const struct scoreboard *scoreboard, pid_t pid)
{
	const uint32_t places = OPTIONS_WORKERS_MAX + SCOREBOARD_OTHERS;
	uint32_t i = 0;

	while (i < places && scoreboard->scores[i].pid != pid &&
	       scoreboard->scores[i].child != pid) {
		i++;
	}
	return i < places;
}
