/*
 * holders: which process holds how many of something, so that what a killed one held can be given
 * back.
 *
 * A table in shared memory, guarded by a mutex of the user's. Each function changes what counts
 * with one store, so it is whole whenever the mutex's holder is killed. The semaphore's units and
 * the queue's open tasks are kept in one.
 */
#ifndef SHARED_SYNC_HOLDERS_H
#define SHARED_SYNC_HOLDERS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "shared/sync/identity.h"

#define HOLDERS_MAX 512 /* processes that hold something at the same time */

struct holder {
	_Atomic uint32_t count; /* 0: the entry is free */
	struct identity who;
};

struct holders {
	_Atomic uint32_t used; /* entries from here on were never taken */
	int64_t searched_ns;   /* monotonic; when the dead were last searched for */
	struct holder list[HOLDERS_MAX];
};

void holders_init(struct holders *holders);

/* The calling process holds one more. False when HOLDERS_MAX others hold something. */
bool holders_take(struct holders *holders);

/*
 * One less: of the calling process, or if it holds none, of another that does (what one process
 * took another may give back). False when nobody holds any.
 */
bool holders_give(struct holders *holders);

/* How many all of them hold. */
uint32_t holders_sum(const struct holders *holders);

/*
 * Takes from the dead what they held, and returns how many that were. It looks at most once a nap
 * (FUTEX_NAP_NS), however many ask for it, and else returns 0.
 */
uint32_t holders_bury(struct holders *holders);

/* In a repair: takes back the last holders_take of the process DEAD. */
void holders_undo(struct holders *holders, pid_t dead);

#endif
