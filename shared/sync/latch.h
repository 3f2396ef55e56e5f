/*
 * latch: a flag that processes wait for. Python's Event; named after the set-reset latch, since
 * libevent has `struct event`.
 *
 * One word in shared memory, no lock, so a process can be killed anywhere in here and is not
 * missed. Its lowest bit says whether it is set, the others count how often it was: so one who
 * waits also sees a latch that was set and cleared again before it woke.
 */
#ifndef SHARED_SYNC_LATCH_H
#define SHARED_SYNC_LATCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "shared/sync/futex.h"

struct latch {
	_Atomic uint32_t word;
};

/* Makes a latch that is not set. Zeroed memory is one, too. */
void latch_init(struct latch *latch);

/* Sets it and wakes all who wait. */
void latch_set(struct latch *latch);
void latch_clear(struct latch *latch);
bool latch_is_set(const struct latch *latch);

/*
 * Waits until it is set, or was set since the call, TIMEOUT_NS at most (0: not at all;
 * FUTEX_FOREVER). False when the time was over.
 */
bool latch_wait(struct latch *latch, int64_t timeout_ns);

#endif
