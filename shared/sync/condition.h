/*
 * condition: waiting, under a mutex, until what it guards has changed. Python's Condition.
 *
 * It lies in shared memory, beside the mutex, and replaces pthread's condition variable, which a
 * waiter that is killed can jam for good. Who waits stands in a table, with a word of its own to
 * sleep on, in order of arrival; notify calls the longest waiting. Nothing is lost with the dead:
 *
 *   a waiter is killed                  the others do not depend on it; its entry is used again
 *   it is killed after it was called    who else waits sees that after a nap, and passes the call
 *                                       on to the next one that lives
 *   a notifier is killed holding the    every waiter sees after a nap that the mutex's holder died,
 *   mutex, before it notified           and looks for itself what is true now
 *   it is killed between the call and   the one called sees the call when its nap is over
 *   the wake-up
 *
 * So a wait may return though nobody notified: it stands in a loop, or it is condition_wait_for.
 * All functions but init are called with the mutex held (plain, or recursive at any depth). The
 * semaphore, the barrier and the queue are built on this. The memory lies at the same address in
 * all processes (memory.h); nothing is allocated; nothing can fail.
 */
#ifndef SHARED_SYNC_CONDITION_H
#define SHARED_SYNC_CONDITION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/sync/futex.h"
#include "shared/sync/identity.h"
#include "shared/sync/mutex.h"

/* How many can wait in order. Those beyond wait too, but look again each nap, called by nobody. */
#define CONDITION_WAITERS_MAX 512

/* Written under the mutex, `state` last: an entry half taken is a free one. */
struct condition_waiter {
	_Atomic uint32_t state; /* of condition.c: free, waiting, called; the word it sleeps on */
	struct identity who;
	uint64_t turn; /* lower: waits longer */
};

struct condition {
	struct mutex *mutex;
	struct mutex_repair repair;
	uint64_t turns;        /* given out so far */
	_Atomic uint32_t used; /* entries from here on were never taken */
	struct condition_waiter waiters[CONDITION_WAITERS_MAX];
};

/* Makes a condition of MUTEX, which is taken with REPAIR (by copy; NULL: nothing to repair). */
void condition_init(struct condition *condition, struct mutex *mutex,
		    const struct mutex_repair *repair);

/*
 * Gives the mutex back, sleeps until it is notified, TIMEOUT_NS at most, and takes the mutex again.
 * False when the time was over; true: look again.
 */
bool condition_wait(struct condition *condition, int64_t timeout_ns);

/*
 * Waits until READY(CONTEXT) is true, TIMEOUT_NS at most; false when the time was over. READY is
 * called with the mutex held: at once, after each call by notify, and after each nap. It may also
 * do what it waited for, such as taking the last unit. The waiter keeps its turn all the while.
 */
bool condition_wait_for(struct condition *condition, bool (*ready)(void *context), void *context,
			int64_t timeout_ns);

/* Calls the COUNT that wait longest, or all. Returns how many it called. */
size_t condition_notify(struct condition *condition, size_t count);
size_t condition_notify_all(struct condition *condition);

#endif
