/*
 * barrier: so many processes wait until all of them have arrived. Python's Barrier.
 *
 * It lies in shared memory. When one of those who wait is killed, or waits longer than it wanted,
 * or somebody aborts, the barrier breaks: all who wait are told so, and all who come, until it is
 * reset. One that is killed before it arrives is missed too if it registered; else only the others'
 * time-outs notice. A party is told what became of its round in its own entry of the table, so a
 * slow one never mistakes the next round for its own.
 *
 * Written by: everything under `mutex`. `telling` says that parties are being told how the round
 * ended; the next holder of the mutex completes that when the one who did it was killed.
 */
#ifndef SHARED_SYNC_BARRIER_H
#define SHARED_SYNC_BARRIER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "shared/sync/condition.h"
#include "shared/sync/identity.h"
#include "shared/sync/mutex.h"

#define BARRIER_PARTIES_MAX 256
#define BARRIER_BROKEN      (-1)

struct barrier_party {
	_Atomic uint32_t state; /* of barrier.c; not used, elsewhere, waiting, passed, broken */
	bool registered;        /* stays in the table between its rounds */
	int index;              /* how many had arrived before it */
	struct identity who;
};

struct barrier {
	struct mutex mutex;
	struct condition told;
	uint32_t parties; /* never changes */
	_Atomic bool broken;
	_Atomic uint32_t telling;
	int64_t searched_ns;   /* monotonic; when the dead were last searched for */
	_Atomic uint32_t used; /* entries from here on were never taken */
	struct barrier_party list[BARRIER_PARTIES_MAX];
};

/* Makes a barrier for PARTIES (1 to BARRIER_PARTIES_MAX) in memory that nobody else uses yet. */
void barrier_init(struct barrier *barrier, uint32_t parties);

/*
 * Waits until all parties wait, TIMEOUT_NS at most, and breaks the barrier when that is over.
 * Returns a number from 0 to parties - 1, another for each in a round, or BARRIER_BROKEN.
 */
int barrier_wait(struct barrier *barrier, int64_t timeout_ns);

/*
 * Makes the calling process known as a party: from now on its end breaks the barrier, unless it
 * leaves before. False when the table is full.
 */
bool barrier_register(struct barrier *barrier);
void barrier_leave(struct barrier *barrier);

/* Breaks it. */
void barrier_abort(struct barrier *barrier);

/* Makes it whole again, and forgets the dead. Those who wait are told that it broke. */
void barrier_reset(struct barrier *barrier);

bool barrier_is_broken(const struct barrier *barrier);

/* How many wait in it now: a hint. */
uint32_t barrier_waiting(const struct barrier *barrier);

#endif
