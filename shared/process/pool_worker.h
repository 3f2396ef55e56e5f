/*
 * pool_worker: one worker of a pool (pool.h): its process, the pipe to it, and what goes over that.
 *
 * It has one task at a time, and asks for none: so a killed one takes one task with it, and the
 * pool knows which. Whether it had begun with it stands in a counter in shared memory. The pool
 * owns it; used by the pool alone.
 */
#ifndef SHARED_PROCESS_POOL_WORKER_H
#define SHARED_PROCESS_POOL_WORKER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/process/pool_task.h"

struct process;

/* To a worker: the task; run is NULL when it is to leave. The argument follows. */
struct pool_request {
	pool_function run;
	size_t result_size;
};

struct pool_worker {
	struct process *process; /* NULL: it is to be started */
	int pipe;                /* -1: likewise */
	_Atomic uint32_t *begun; /* shared; written by it: how many tasks it began with */
	uint32_t answered;       /* how many of them it answered */
	bool leaving;            /* was told to */
	struct pool_job *job;    /* what it has, the pool's; NULL: idle */
};

/*
 * Starts it, with a counter BEGUN of its own in shared memory. In the child FORGET(CONTEXT) is
 * called first: to close what is the parent's. False with errno set when it cannot.
 */
bool pool_worker_start(struct pool_worker *worker, _Atomic uint32_t *begun,
		       void (*forget)(void *context), void *context);

/* Gives it a request and the argument behind it, SIZE bytes; false when it is dying. */
bool pool_worker_give(struct pool_worker *worker, const unsigned char *request, size_t size);

/* An answer that is there: whether the function said that it was done, and its result. */
struct pool_reply {
	bool done;
	size_t size;
	_Alignas(max_align_t) unsigned char result[POOL_RESULT_MAX];
};

/* Takes the answer, if there is one. */
bool pool_worker_take(struct pool_worker *worker, struct pool_reply *reply);

/* Whether it had begun with a task that it has not answered. */
bool pool_worker_had_begun(const struct pool_worker *worker);

/* Tells an idle one to leave. */
void pool_worker_dismiss(struct pool_worker *worker);

/* Waits for its end for TIMEOUT_NS at most, kills it then, and reaps it. */
void pool_worker_end(struct pool_worker *worker, int64_t timeout_ns);

#endif
