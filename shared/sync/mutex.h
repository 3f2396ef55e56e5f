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
 * Written by: `owner`, `since_ns`, `depth`, `taken`, `deaths`, `held`, `broken` and `repairing` by
 * the holder; `waiting` by everyone, atomically; `remade` and the lock that is not in use by who
 * holds `guard`. Anyone may read the atomic ones at any time; they are a hint, not a proof: a
 * killed waiter stays counted until the lock is next taken after it lay free for 10 ms.
 */
#ifndef SHARED_SYNC_MUTEX_H
#define SHARED_SYNC_MUTEX_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "shared/base/histogram.h"

enum mutex_kind {
	MUTEX_PLAIN,     /* taking it twice in one thread fails with MUTEX_DEADLOCK */
	MUTEX_RECURSIVE, /* the holder may take it again, and unlocks as often */
	MUTEX_BRIEF      /* plain, and held for some hundred instructions: nobody looks at the clock
			  * for it, so `since_ns` and `held` stay empty */
};

enum mutex_result {
	MUTEX_TAKEN,   /* it is ours */
	MUTEX_BUSY,    /* try, timed: somebody else has it */
	MUTEX_DEADLOCK /* a plain one that this thread holds already */
};

struct mutex {
	pthread_mutex_t locks[2]; /* locks[remade % 2] is in use */
	_Atomic uint32_t remade;  /* how often it was made anew */
	enum mutex_kind kind;     /* never changes */
	_Atomic pid_t owner;      /* 0: nobody */
	uint32_t depth;           /* how often the owner has to unlock */
	_Atomic int64_t since_ns; /* monotonic; when the owner got it, or it was given back */
	_Atomic uint32_t waiting; /* how many wait for it now */
	_Atomic uint32_t deaths;  /* how many holders died with it */
	_Atomic uint64_t taken;   /* how often it was taken */
	_Atomic bool broken;      /* the repair is not done yet */
	_Atomic pid_t repairing;  /* the dead owner, while its successor repairs; else 0 */
	pthread_mutex_t guard;    /* against two who make it anew */
	struct histogram held;    /* nanoseconds it was held */
};

/*
 * Called with the lock held, when the last holder died with it: DEAD is its pid, or 0 when it died
 * so soon after taking the lock, or so late in giving it back, that it had not written its name: it
 * was changing nothing then. It puts what the lock guards in order. When its process dies too, the
 * next holder's repair is called again, with the same DEAD. It may take a recursive
 * lock again and give that back, but not the lock itself: that is a bug.
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

/*
 * Who holds it (0: nobody) and for how long now, in nanoseconds, 0 for a brief one; HELD_NS may be
 * NULL.
 */
pid_t mutex_owner(const struct mutex *mutex, int64_t *held_ns);

#endif
