/*
 * A job is a task on its way through the pool: first in the line of those that wait, then a
 * worker's. Whatever happens to worker number I (an answer, its death) makes the epoll descriptor
 * readable with I in it.
 */
#include "shared/process/pool.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/param.h>
#include <unistd.h>

#include "shared/base/log.h"
#include "shared/process/pool_worker.h"
#include "shared/process/process.h"

#define EVENTS_AT_ONCE 64

/* A task whose workers keep dying before they begin with it is lost in the end, too. */
#define GIVEN_MAX 100

/* What an idle worker that was told to leave takes at most; a stopped one is killed then. */
#define LEAVE_NS (2 * NS_PER_SECOND)

struct pool_job {
	struct pool_job *next;
	pool_callback callback;
	void *context;
	unsigned given; /* how often it was given to a worker */
	unsigned tries; /* how often a worker had begun with it */
	size_t result_size;
	size_t request_size;
	unsigned char request[]; /* as it goes to a worker */
};

enum state { OPEN, CLOSED, TERMINATED };

struct pool {
	struct pool_options options;
	enum state state;
	int events;
	size_t unfinished;
	size_t over;            /* tasks called back for, ever */
	struct pool_job *first; /* of those that wait */
	struct pool_job **last;
	_Atomic uint32_t *begun; /* shared; a counter for each worker */
	struct pool_worker workers[];
};

/* Workers. */

static bool watch(struct pool *pool, int descriptor, size_t index)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = index };

	return epoll_ctl(pool->events, EPOLL_CTL_ADD, descriptor, &event) == 0;
}

/* Closing is not enough to end the watching: a child may still have the descriptor. */
static void stop_watching(struct pool *pool, int descriptor)
{
	epoll_ctl(pool->events, EPOLL_CTL_DEL, descriptor, NULL);
}

static void end_worker(struct pool *pool, struct pool_worker *worker, int64_t timeout_ns)
{
	if (!worker->process) {
		return;
	}
	stop_watching(pool, process_descriptor(worker->process));
	stop_watching(pool, worker->pipe);
	pool_worker_end(worker, timeout_ns);
}

/* In a worker: the pool's descriptors are the parent's. */
static void close_descriptors(void *context)
{
	const struct pool *pool = context;

	for (size_t i = 0; i < pool->options.workers; i++) {
		if (pool->workers[i].process) {
			close(pool->workers[i].pipe);
		}
	}
	close(pool->events);
}

static bool start_worker(struct pool *pool, size_t index)
{
	struct pool_worker *worker = &pool->workers[index];

	if (!pool_worker_start(worker, &pool->begun[index], close_descriptors, pool)) {
		return false;
	}
	if (watch(pool, worker->pipe, index) &&
	    watch(pool, process_descriptor(worker->process), index)) {
		return true;
	}
	end_worker(pool, worker, 0);
	return false;
}

/* Jobs. */

static struct pool_job *make_job(const struct pool_task *task, pool_callback callback,
				 void *context)
{
	struct pool_request head = { .run = task->run, .result_size = task->result_size };
	size_t request_size = sizeof(head) + task->argument_size;

	if (!task->run || task->argument_size > POOL_ARGUMENT_MAX ||
	    task->result_size > POOL_RESULT_MAX) {
		bug("a task with an argument of %zu and a result of %zu bytes", task->argument_size,
		    task->result_size);
	}
	struct pool_job *job = calloc(1, sizeof(*job) + request_size);
	if (!job) {
		return NULL;
	}
	job->callback = callback;
	job->context = context;
	job->result_size = task->result_size;
	job->request_size = request_size;
	memcpy(job->request, &head, sizeof(head));
	if (task->argument_size > 0) {
		memcpy(job->request + sizeof(head), task->argument, task->argument_size);
	}
	return job;
}

static void push_last(struct pool *pool, struct pool_job *job)
{
	*pool->last = job;
	pool->last = &job->next;
}

static void push_first(struct pool *pool, struct pool_job *job)
{
	job->next = pool->first;
	pool->first = job;
	if (!job->next) {
		pool->last = &job->next;
	}
}

static struct pool_job *pop(struct pool *pool)
{
	struct pool_job *job = pool->first;

	pool->first = job->next;
	if (!pool->first) {
		pool->last = &pool->first;
	}
	job->next = NULL;
	return job;
}

static void conclude(struct pool *pool, struct pool_job *job, enum pool_outcome outcome,
		     const void *result)
{
	pool->unfinished--;
	pool->over++;
	if (job->callback) {
		job->callback(job->context, outcome, outcome == POOL_DONE ? result : NULL);
	}
	free(job);
}

/* A worker that cannot take it is dying, and its end will be dealt with; the task goes back. */
static void give(struct pool *pool, struct pool_worker *worker, struct pool_job *job)
{
	if (!pool_worker_give(worker, job->request, job->request_size)) {
		process_kill(worker->process);
		worker->leaving = true;
		push_first(pool, job);
		return;
	}
	job->given++;
	worker->job = job;
}

static bool is_wanted(const struct pool *pool)
{
	return pool->state == OPEN || (pool->state == CLOSED && pool->first);
}

/* Every worker there, and every idle one at work, as far as there is work. */
static void go_on(struct pool *pool)
{
	for (size_t i = 0; i < pool->options.workers; i++) {
		struct pool_worker *worker = &pool->workers[i];
		if (!worker->process && (!is_wanted(pool) || !start_worker(pool, i))) {
			continue;
		}
		if (pool->first && !worker->job && !worker->leaving) {
			give(pool, worker, pop(pool));
		}
	}
}

/* The worker is free before the callback, which may hand in more. */
static void take_answer(struct pool *pool, struct pool_worker *worker)
{
	struct pool_job *job = worker->job;
	struct pool_reply reply;

	if (!pool_worker_take(worker, &reply)) {
		return;
	}
	if (!job || reply.size != job->result_size) {
		log_warning("a pool's worker sent what it should not");
		process_kill(worker->process);
		return;
	}
	worker->job = NULL;
	if (worker->answered == pool->options.tasks_per_worker) {
		pool_worker_dismiss(worker);
	}
	conclude(pool, job, reply.done ? POOL_DONE : POOL_FAILED, reply.result);
}

static bool may_be_tried_again(const struct pool *pool, const struct pool_job *job, bool had_begun)
{
	if (had_begun) {
		return job->tries < pool->options.tries;
	}
	return job->given < GIVEN_MAX;
}

static void bury(struct pool *pool, struct pool_worker *worker)
{
	struct pool_job *job = worker->job;
	bool had_begun = pool_worker_had_begun(worker);

	end_worker(pool, worker, 0);
	if (!job) {
		return;
	}
	job->tries += had_begun;
	if (may_be_tried_again(pool, job, had_begun)) {
		push_first(pool, job);
	} else {
		conclude(pool, job, POOL_LOST, NULL);
	}
}

/*
 * First whether it lives, then what it sent: so the last words of a dead one are read before it is
 * buried. A callback may have terminated the pool meanwhile.
 */
static void attend_to(struct pool *pool, struct pool_worker *worker)
{
	if (!worker->process) {
		return;
	}
	bool alive = process_alive(worker->process);
	take_answer(pool, worker);
	if (!alive && worker->process) {
		bury(pool, worker);
	}
}

static bool is_short_of_workers(const struct pool *pool)
{
	for (size_t i = 0; i < pool->options.workers; i++) {
		if (!pool->workers[i].process) {
			return true;
		}
	}
	return false;
}

/* When a worker could not be started, it is tried again after a nap. */
static int poll_ms(const struct pool *pool, int64_t deadline_ns)
{
	int64_t left_ns = deadline_ns == INT64_MAX ? INT64_MAX : deadline_ns - clock_monotonic_ns();

	if (is_short_of_workers(pool)) {
		left_ns = MIN(left_ns, FUTEX_NAP_NS);
	}
	if (left_ns <= 0) {
		return 0;
	}
	return (int)MIN((left_ns - 1) / NS_PER_MS + 1, INT64_C(3600000));
}

static void turn(struct pool *pool, int64_t deadline_ns)
{
	struct epoll_event events[EVENTS_AT_ONCE];
	int count = epoll_wait(pool->events, events, EVENTS_AT_ONCE, poll_ms(pool, deadline_ns));

	if (count < 0 && errno != EINTR) {
		bug("epoll_wait: %m");
	}
	for (int i = 0; i < count; i++) {
		attend_to(pool, &pool->workers[events[i].data.u64]);
	}
	go_on(pool);
}

size_t pool_wait(struct pool *pool, int64_t timeout_ns)
{
	int64_t deadline_ns = futex_deadline(timeout_ns);
	size_t before = pool->over;

	go_on(pool);
	if (pool->unfinished == 0 || timeout_ns == 0) {
		turn(pool, 0);
		return pool->over - before;
	}
	do {
		turn(pool, deadline_ns);
	} while (pool->over == before && clock_monotonic_ns() < deadline_ns);
	return pool->over - before;
}

bool pool_apply_async(struct pool *pool, const struct pool_task *task, pool_callback callback,
		      void *context)
{
	if (pool->state != OPEN) {
		errno = EPIPE;
		return false;
	}
	struct pool_job *job = make_job(task, callback, context);
	if (!job) {
		return false;
	}
	push_last(pool, job);
	pool->unfinished++;
	go_on(pool);
	return true;
}

struct answer {
	bool over;
	enum pool_outcome outcome;
	void *result;
	size_t size;
};

static void keep_answer(void *context, enum pool_outcome outcome, const void *result)
{
	struct answer *answer = context;

	answer->over = true;
	answer->outcome = outcome;
	if (result && answer->size > 0) {
		memcpy(answer->result, result, answer->size);
	}
}

enum pool_outcome pool_apply(struct pool *pool, const struct pool_task *task, void *result)
{
	struct answer answer = { .result = result, .size = task->result_size };

	if (!pool_apply_async(pool, task, keep_answer, &answer)) {
		return POOL_LOST;
	}
	while (!answer.over) {
		pool_wait(pool, FUTEX_FOREVER);
	}
	return answer.outcome;
}

/* The pool's beginning and end. */

static size_t processors(void)
{
	long count = sysconf(_SC_NPROCESSORS_ONLN);

	return count > 0 ? (size_t)count : 1;
}

static bool has_worker(const struct pool *pool)
{
	for (size_t i = 0; i < pool->options.workers; i++) {
		if (pool->workers[i].process) {
			return true;
		}
	}
	return false;
}

static _Atomic uint32_t *share_counters(size_t count)
{
	void *counters = mmap(NULL, count * sizeof(_Atomic uint32_t), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return counters == MAP_FAILED ? NULL : counters;
}

struct pool *pool_create(const struct pool_options *options)
{
	size_t workers = options->workers > 0 ? options->workers : processors();
	struct pool *pool = calloc(1, sizeof(*pool) + workers * sizeof(pool->workers[0]));

	if (!pool) {
		return NULL;
	}
	pool->options = *options;
	pool->options.workers = workers;
	pool->last = &pool->first;
	pool->begun = share_counters(workers);
	pool->events = epoll_create1(EPOLL_CLOEXEC);
	if (pool->begun && pool->events >= 0) {
		go_on(pool);
	}
	if (has_worker(pool)) {
		return pool;
	}
	int saved_errno = errno;
	pool_destroy(pool);
	errno = saved_errno;
	return NULL;
}

int pool_descriptor(const struct pool *pool)
{
	return pool->events;
}

size_t pool_unfinished(const struct pool *pool)
{
	return pool->unfinished;
}

size_t pool_workers(const struct pool *pool)
{
	return pool->options.workers;
}

pid_t pool_worker_pid(const struct pool *pool, size_t index)
{
	const struct process *process = pool->workers[index].process;

	return process ? process_pid(process) : 0;
}

void pool_close(struct pool *pool)
{
	if (pool->state == OPEN) {
		pool->state = CLOSED;
	}
}

void pool_terminate(struct pool *pool)
{
	pool->state = TERMINATED;
	for (size_t i = 0; i < pool->options.workers; i++) {
		struct pool_job *job = pool->workers[i].job;
		end_worker(pool, &pool->workers[i], 0);
		if (job) {
			conclude(pool, job, POOL_LOST, NULL);
		}
	}
	while (pool->first) {
		conclude(pool, pop(pool), POOL_LOST, NULL);
	}
}

static void dismiss_workers(struct pool *pool)
{
	for (size_t i = 0; i < pool->options.workers; i++) {
		if (pool->workers[i].process) {
			pool_worker_dismiss(&pool->workers[i]);
		}
	}
	for (size_t i = 0; i < pool->options.workers; i++) {
		end_worker(pool, &pool->workers[i], LEAVE_NS);
	}
}

bool pool_join(struct pool *pool)
{
	if (pool->state == OPEN) {
		return false;
	}
	while (pool->unfinished > 0) {
		pool_wait(pool, FUTEX_FOREVER);
	}
	dismiss_workers(pool);
	return true;
}

void pool_destroy(struct pool *pool)
{
	if (!pool) {
		return;
	}
	pool_terminate(pool);
	if (pool->events >= 0) {
		close(pool->events);
	}
	if (pool->begun) {
		munmap(pool->begun, pool->options.workers * sizeof(pool->begun[0]));
	}
	free(pool);
}
