/*
 * semaphore: lets at most so many processes at a time have something. Python's Semaphore and
 * BoundedSemaphore.
 *
 * It lies in shared memory. A unit remembers which process took it: when that one is killed, those
 * who wait find out in their naps and one of them gets the unit. A unit may be given back by
 * another process than took it. So units are borrowed, never used up: to count things that are made
 * and consumed, take a queue. The longest waiting is called first; who comes just then may be
 * faster. Held by at most HOLDERS_MAX processes at once: one more waits as if no unit were left.
 *
 * Written by: everything under `mutex`. What counts is `total` and who holds how many; `available`
 * is the difference, and is made anew from them when the mutex's holder died.
 */
#ifndef SHARED_SYNC_SEMAPHORE_H
#define SHARED_SYNC_SEMAPHORE_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/sync/condition.h"
#include "shared/sync/holders.h"
#include "shared/sync/mutex.h"

enum semaphore_kind {
	SEMAPHORE_PLAIN,  /* a release when no unit is out adds one */
	SEMAPHORE_BOUNDED /* it is refused */
};

struct semaphore {
	struct mutex mutex;
	struct condition released;
	enum semaphore_kind kind;
	_Atomic uint32_t total;
	_Atomic uint32_t available;
	struct holders holders;
};

/* Makes a semaphore of VALUE units in shared memory that nobody else uses yet. */
void semaphore_init(struct semaphore *semaphore, enum semaphore_kind kind, uint32_t value);

/* Takes a unit, waiting TIMEOUT_NS at most (0: not at all; FUTEX_FOREVER). False: it got none. */
bool semaphore_acquire(struct semaphore *semaphore, int64_t timeout_ns);

/*
 * Gives a unit back. False, and nothing is changed, when none is out and the semaphore is bounded:
 * it would have more units than it was made with, so some release is one too many.
 */
bool semaphore_release(struct semaphore *semaphore);

/* How many are left now: a hint. Those of the dead are counted once somebody waits for them. */
uint32_t semaphore_value(const struct semaphore *semaphore);

#endif
