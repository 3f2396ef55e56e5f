/*
 * mutex: a lock between processes that outlives whoever holds it.
 *
 * It lies in shared memory (or in a mapped file) and is a robust, process-shared pthread mutex:
 * when its holder is killed, the next one to take it is told so, repairs what the lock guards, and
 * goes on. Beside the lock stands who holds it since when, how many wait, and how long it was held.
 *
 * The memory must stay mapped for as long as a process may hold the lock; a holder that unmaps it
 * and dies would leave it locked for good.
 *
 * Written by: `owner`, `since_ns`, `taken`, `deaths`, `held` and `repairing` by the holder;
 * `waiting` by everyone, atomically. Anyone may read them at any time; they are a hint, not a
 * proof.
 */
#ifndef SHARED_MUTEX_H
#define SHARED_MUTEX_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "shared/histogram.h"

enum mutex_kind {
	MUTEX_PLAIN,    /* taking it twice in one thread fails with MUTEX_DEADLOCK */
	MUTEX_RECURSIVE /* the holder may take it again, and unlocks as often */
};

enum mutex_result {
	MUTEX_TAKEN,   /* it is ours */
	MUTEX_BUSY,    /* try, timed: somebody else has it */
	MUTEX_DEADLOCK /* a plain one that this thread holds already */
};

struct mutex {
	pthread_mutex_t lock;
	_Atomic pid_t owner;      /* 0: nobody */
	_Atomic int64_t since_ns; /* monotonic; when the owner got it */
	_Atomic uint32_t waiting; /* how many wait for it now */
	_Atomic uint32_t deaths;  /* how many holders died with it */
	_Atomic uint64_t taken;   /* how often it was taken */
	_Atomic pid_t repairing;  /* the dead owner, while its successor repairs; else 0 */
	struct histogram held;    /* nanoseconds it was held */
};

/*
 * Called with the lock held, when the last holder died with it: DEAD is its pid. It puts what the
 * lock guards in order. When its process dies too, the next holder's repair is called again.
 */
struct mutex_repair {
	void (*run)(void *context, pid_t dead);
	void *context;
};

/* Makes a mutex in zeroed or reused memory that nobody else uses yet. */
void mutex_init(struct mutex *mutex, enum mutex_kind kind);

/*
 * Takes the lock: waiting as long as it takes; not at all; or TIMEOUT_NS at most. REPAIR may be
 * NULL where there is nothing to repair. A lock that became unusable (ENOTRECOVERABLE) is made anew
 * by exactly one of those who find it so, and REPAIR is called then too.
 */
enum mutex_result mutex_lock(struct mutex *mutex, const struct mutex_repair *repair);
enum mutex_result mutex_try(struct mutex *mutex, const struct mutex_repair *repair);
enum mutex_result mutex_lock_within(struct mutex *mutex, int64_t timeout_ns,
				    const struct mutex_repair *repair);

/* As mutex_try, some microseconds long: for an event loop, which may never sleep in a lock. */
enum mutex_result mutex_spin(struct mutex *mutex, const struct mutex_repair *repair);

/* Gives it back. A bug when this process does not hold it. */
void mutex_unlock(struct mutex *mutex);

/* Who holds it (0: nobody) and for how long now, in nanoseconds; SINCE may be NULL. */
pid_t mutex_owner(const struct mutex *mutex, int64_t *held_ns);

#endif
