/*
 * scoreboard: what each worker is and has done, in shared memory.
 *
 * The master reads it to find the least loaded worker and to see who hangs; /workers and /stats
 * show it. A worker's line stays when the worker dies, and its successor counts on, so totals never
 * go back.
 *
 * Written by: `state`, `generation`, `deaths` and `adoption_ns` the master; `pid` the master, and
 * first the worker itself; `child` the joiner; `crash` as crash.h says; all else that worker's loop
 * thread (`commits`, `batched` and the booking counters: its clerk). Anyone reads at any time.
 */
#ifndef SERVER_STATE_SCOREBOARD_H
#define SERVER_STATE_SCOREBOARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "server/config/options.h"
#include "server/state/crash.h"
#include "shared/base/histogram.h"
#include "shared/base/memory.h"
#include "shared/sync/waker.h"

enum worker_state {
	WORKER_DOWN,
	WORKER_STARTING,
	WORKER_SERVING,
	WORKER_DRAINING,
	WORKER_RETIRING /* there are to be fewer: it ends with its last connection */
};

enum counter {
	COUNTER_ACCEPTED,   /* connections taken over, of all kinds */
	COUNTER_COMMANDS,   /* lines carried out */
	COUNTER_ERRORS,     /* of them refused */
	COUNTER_MESSAGES,   /* lines appended to room logs */
	COUNTER_DELIVERIES, /* lines put into somebody's output */
	COUNTER_MISSED,     /* lines of rooms that went round before they were read */
	COUNTER_ADOPTED,    /* connections of predecessors that were gone on with */
	COUNTER_CUT_OFF,    /* receivers that were too far behind */
	COUNTER_ECHOED,     /* bytes */
	COUNTER_BOOKED,     /* tickets sold */
	COUNTER_REFUSED,    /* booking requests that were refused */
	COUNTER_COMMITS,    /* transactions of this worker's clerk */
	COUNTER_BATCHED,    /* requests carried out, those that needed none too */
	COUNTERS
};

struct score {
	_Alignas(CACHE_LINE) _Atomic pid_t pid; /* 0 while it is down */
	_Atomic pid_t child;                    /* the joiner's, that books now */
	_Atomic uint32_t state;                 /* enum worker_state */
	_Atomic uint32_t sandbox;               /* enum sandbox_part, as bits: in force */
	_Atomic uint32_t generation; /* how many have served in this place, it included */
	_Atomic uint32_t deaths;     /* how many predecessors ended unasked */
	_Atomic uint32_t handed;     /* sockets sent to it and not yet acknowledged */
	_Alignas(CACHE_LINE) _Atomic uint32_t connections;
	_Atomic int64_t heartbeat_ns; /* monotonic: the loop was here */
	_Atomic uint64_t counters[COUNTERS];
	struct histogram booking_ns;     /* from a request to its answer */
	struct histogram lock_wait_ns;   /* for the store's lock: its clerk writes it */
	_Atomic uint64_t lock_held_ns;   /* that it had the lock, all together: likewise */
	struct histogram adoption_ns;    /* from a predecessor's end to its successor's readiness */
	_Atomic uint64_t queued_bytes;   /* of its receivers, the kernel's share counted in */
	_Atomic uint64_t furthest_bytes; /* of the one furthest behind, when last looked at */
	_Alignas(CACHE_LINE) struct waker waker; /* of its event loop */
	struct crash crash;
};

#define SCOREBOARD_OTHERS 3 /* processes that are no workers */
#define SCOREBOARD_JOINER OPTIONS_WORKERS_MAX
#define SCOREBOARD_BUS    (OPTIONS_WORKERS_MAX + 1)
#define SCOREBOARD_TLS    (OPTIONS_WORKERS_MAX + 2)

struct scoreboard {
	unsigned workers;   /* the most that there ever were: the first rows */
	unsigned wanted;    /* as many as there are to be; those beyond retire */
	int64_t started_ns; /* wall time */
	/* Places for workers, and behind them those of the joiner, the bus and tls (slot.h). */
	struct score scores[OPTIONS_WORKERS_MAX + SCOREBOARD_OTHERS];
};

/*
 * Fills a zeroed scoreboard and makes the wakers of all workers that there may be, and of the bus,
 * before the first fork: a waker has the same descriptor in all processes.
 */
void scoreboard_init(struct scoreboard *scoreboard, int64_t wall_ns);

/* Closes the wakers. */
void scoreboard_finish(struct scoreboard *scoreboard);

/* Adds to a counter whose only writer is the caller. */
static inline void score_add(struct score *score, enum counter counter, uint64_t amount)
{
	_Atomic uint64_t *value = &score->counters[counter];

	atomic_store_explicit(value, atomic_load_explicit(value, memory_order_relaxed) + amount,
			      memory_order_relaxed);
}

/* The sum over all workers. */
uint64_t scoreboard_total(const struct scoreboard *scoreboard, enum counter counter);
uint32_t scoreboard_connections(const struct scoreboard *scoreboard);

/* Whether there is somebody at that place, or is to be. */
bool scoreboard_is_used(const struct scoreboard *scoreboard, uint32_t worker);

/* Whether the process PID is one of them, or the joiner's child. */
bool scoreboard_has(const struct scoreboard *scoreboard, pid_t pid);

/* What all receivers together have queued; and the worker whose furthest is the furthest behind. */
uint64_t scoreboard_queued_bytes(const struct scoreboard *scoreboard);
uint32_t scoreboard_furthest_behind(const struct scoreboard *scoreboard);

/* A counter's name in /stats, such as "turnstile_commands_total". */
const char *counter_name(enum counter counter);
const char *worker_state_name(enum worker_state state);

#endif
