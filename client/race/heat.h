/*
 * heat: what a race is made of: the same buyers and the same tickets, once for each way to put
 * purchases in a row.
 *
 * Each buyer is a process: it searches (reads what is left, thinks) and then buys (reads, thinks,
 * writes back). What it does when, it notes in shared memory that the parent reads afterwards: the
 * moments of its life, from which the timeline, the trace and the verdict are made. One strategy's
 * run is a heat; its event in the store is its own.
 *
 * A purchase is the same in all heats but `atomic`: it writes what follows from what it read. Only
 * what stands around it differs.
 */
#ifndef CLIENT_RACE_HEAT_H
#define CLIENT_RACE_HEAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "db/store/store.h"
#include "shared/base/memory.h"

#define RACE_BUYERS_MAX  200
#define RACE_TICKETS_MAX 10000
#define RACE_AT_ONCE     3 /* buyers within the critical section, with the semaphore */

enum race_strategy {
	RACE_NONE,
	RACE_LOCK,
	RACE_JOIN,
	RACE_SEMAPHORE,
	RACE_ATOMIC,
	RACE_STRATEGIES /* how many */
};

struct race_schedule;

struct race_plan {
	unsigned buyers;
	int64_t tickets;
	int64_t think_least_ns; /* each time a buyer thinks, it is from here to there */
	int64_t think_most_ns;
	uint64_t seed;                        /* of the thinking times: the same in every heat */
	const char *url;                      /* of the store */
	bool quiet;                           /* the buyers do not say what they see */
	const struct race_schedule *schedule; /* or NULL: all go as they come */
};

/* The moments of a buyer's life in their order; each ends what stands beside it. */
enum race_moment {
	RACE_STARTED, /* waiting to be started */
	RACE_LOOKED,  /* search: reading what is left */
	RACE_DECIDED, /* search: thinking */
	RACE_ENTERED, /* waiting for the lock */
	RACE_READ,    /* critical section: reading */
	RACE_THOUGHT, /* critical section: thinking */
	RACE_WROTE,   /* critical section: writing */
	RACE_LEFT,    /* critical section: going out */
	RACE_MOMENTS  /* how many */
};

enum race_phase { RACE_HELD_BACK, RACE_SEARCH, RACE_WAIT, RACE_CRITICAL, RACE_PHASES };

enum race_outcome {
	RACE_UNFINISHED, /* still at it when its schedule ended */
	RACE_BOUGHT,
	RACE_SOLD_OUT,
	RACE_KILLED, /* by its schedule, before it had a ticket */
	RACE_FAILED  /* the store failed */
};

/* What a buyer notes: written by that process alone, read by the parent when it has ended. */
struct race_buyer {
	_Alignas(CACHE_LINE) int64_t at_ns[RACE_MOMENTS]; /* monotonic */
	pid_t pid;
	enum race_outcome outcome;
	int64_t seen;                   /* what was left, as it read it in its search */
	int64_t read;                   /* what was left, as it read it in its purchase */
	int64_t left;                   /* what is left, as it wrote it */
	int64_t killed_ns;              /* monotonic; 0: it was not. Written by the parent */
	bool oversold;                  /* there was none any more: found out afterwards */
	char problem[STORE_ERROR_SIZE]; /* of RACE_FAILED */
};

/* What came of a heat. */
struct race_verdict {
	int64_t sold;     /* tickets handed out, counted one by one */
	int64_t counter;  /* what the event's counter says was sold */
	int64_t oversold; /* handed out though there were none any more */
	int64_t lost;     /* sales that the counter does not know of: updates lost */
	int64_t wall_ns;
	int64_t critical_ns;     /* of all buyers together */
	double parallel;         /* share of the time with two or more at work */
	int64_t longest_wait_ns; /* for the lock, or to be started */
	unsigned overtakes;      /* pairs of which the one that came later was served first */
	unsigned served;         /* how many came to the critical section */
	unsigned order[RACE_BUYERS_MAX]; /* those, in that order */
};

struct race_guard;
struct race_stop;

struct race_heat {
	enum race_strategy strategy;
	unsigned count; /* of the buyers */
	int64_t tickets;
	char event[NAME_EVENT_SIZE];
	int64_t start_ns; /* monotonic */
	int64_t end_ns;
	struct memory memory;
	struct race_buyer *buyers; /* in it */
	struct race_guard *guard;  /* likewise */
	struct race_stop *stops;   /* likewise, one a buyer; NULL: nobody is stopped */
	struct race_verdict verdict;
};

/* All that the pictures are made of. */
struct race {
	struct race_plan plan;
	size_t count; /* of the heats */
	struct race_heat heats[RACE_STRATEGIES];
};

/* A phase of a buyer's: from when to when, since the start of its heat; empty when TO is FROM. */
struct race_stretch {
	int64_t from_ns;
	int64_t to_ns;
};
struct race_stretch race_stretch(const struct race_heat *heat, unsigned buyer,
				 enum race_phase phase);

/* "lock"; "one lock around the purchase". */
const char *race_strategy_name(enum race_strategy strategy);
const char *race_strategy_motto(enum race_strategy strategy);

/* How long BUYER thinks for the TURNth time: the same for the same seed. */
int64_t race_think_ns(const struct race_plan *plan, unsigned buyer, unsigned turn);

/* The longest heat's time, which is the scale of all of them. */
int64_t race_longest_ns(const struct race *race);

#endif
