/*
 * pool: processes that work on tasks, so many at a time. Python's Pool.
 *
 * A task is a function and argument bytes; a worker process calls the function and sends result
 * bytes back. Functions have the same address in the workers, since they are forked. The parent
 * hands a task to each worker that is idle and calls back, in the parent, when it is over; all this
 * happens within the calls below that wait, and nowhere else. A worker that is killed is replaced,
 * and its task is given out again or reported as lost (a task that the dead one had not begun with
 * is always given out again): nobody waits for the dead. A worker ends with its parent.
 *
 * pool_create allocates, and pool_destroy frees all; arguments are copied. For one thread, in a
 * process that may fork at any of these calls. Maps over many tasks are in map.h.
 */
#ifndef SHARED_PROCESS_POOL_H
#define SHARED_PROCESS_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "shared/process/pool_task.h"
#include "shared/sync/futex.h"

struct pool;

struct pool_options {
	size_t workers;          /* 0: as many as there are processors */
	size_t tasks_per_worker; /* then a worker is replaced by a fresh one; 0: never */
	unsigned tries;          /* how often a task may be begun, if its workers die; 0: once */
};

enum pool_outcome {
	POOL_DONE,
	POOL_FAILED, /* the function returned false */
	POOL_LOST    /* its worker died, or the pool was terminated */
};

/* Called in the parent. RESULT is good during the call; NULL unless POOL_DONE. May submit more. */
typedef void (*pool_callback)(void *context, enum pool_outcome outcome, const void *result);

/* Starts the workers. NULL with errno set when it cannot start even one. */
struct pool *pool_create(const struct pool_options *options);

/* Carries a task out and waits for it; RESULT has its result_size bytes. */
enum pool_outcome pool_apply(struct pool *pool, const struct pool_task *task, void *result);

/*
 * Hands a task in; CALLBACK (may be NULL) is called when it is over. False with errno set when
 * there is no memory, or the pool is closed (EPIPE).
 */
bool pool_apply_async(struct pool *pool, const struct pool_task *task, pool_callback callback,
		      void *context);

/*
 * Waits, TIMEOUT_NS at most, until a task is over, and calls back for it and for any others that
 * are. Returns for how many; 0 at once when none is unfinished.
 */
size_t pool_wait(struct pool *pool, int64_t timeout_ns);

/*
 * For an event loop: a descriptor, the pool's, that is readable when a pool_wait without waiting
 * has something to do.
 */
int pool_descriptor(const struct pool *pool);

size_t pool_unfinished(const struct pool *pool);
size_t pool_workers(const struct pool *pool);

/* The pid of worker INDEX, or 0 when it is just being replaced. */
pid_t pool_worker_pid(const struct pool *pool, size_t index);

/* No task is taken in any more; those unfinished are still carried out. */
void pool_close(struct pool *pool);

/* Kills the workers; every unfinished task is POOL_LOST, and is called back for, in here. */
void pool_terminate(struct pool *pool);

/*
 * Waits for all tasks and then for the end of the workers. False, with nothing done, when the pool
 * is neither closed nor terminated: its workers would never end.
 */
bool pool_join(struct pool *pool);

/* As pool_terminate, and frees: so each task handed in is called back for once. NULL is fine. */
void pool_destroy(struct pool *pool);

#endif
