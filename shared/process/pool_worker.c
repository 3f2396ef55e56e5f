#include "shared/process/pool_worker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/process/pipe.h"
#include "shared/process/process.h"
#include "shared/sync/futex.h"

#define NO_PIPE (-1)

/* From a worker: the result follows. */
struct answer {
	bool done;
};

_Static_assert(sizeof(struct pool_request) + POOL_ARGUMENT_MAX <= PIPE_MESSAGE_MAX,
	       "an argument fits");
_Static_assert(sizeof(struct answer) + POOL_RESULT_MAX <= PIPE_MESSAGE_MAX, "a result fits");

/* The worker's side. */

struct message {
	size_t size;
	_Alignas(max_align_t) unsigned char bytes[PIPE_MESSAGE_MAX];
};

static bool carry_out(const struct pool_request *request, const struct message *task, int pipe)
{
	struct message reply = { .size = sizeof(struct answer) + request->result_size };
	_Alignas(max_align_t) unsigned char result[POOL_RESULT_MAX] = { 0 };
	struct answer answer;

	answer.done = request->run(task->bytes + sizeof(*request), task->size - sizeof(*request),
				   result, request->result_size);
	memcpy(reply.bytes, &answer, sizeof(answer));
	memcpy(reply.bytes + sizeof(answer), result, request->result_size);
	return pipe_send(pipe, reply.bytes, reply.size, FUTEX_FOREVER) == PIPE_DONE;
}

static bool work_once(int pipe, _Atomic uint32_t *begun)
{
	struct pool_request request;
	struct message task;

	if (pipe_receive(pipe, task.bytes, sizeof(task.bytes), &task.size, FUTEX_FOREVER) !=
	    PIPE_DONE) {
		return false;
	}
	memcpy(&request, task.bytes, sizeof(request));
	if (!request.run) {
		return false;
	}
	(*begun)++;
	return carry_out(&request, &task, pipe);
}

struct start {
	int pipe;
	_Atomic uint32_t *begun;
	void (*forget)(void *context);
	void *context;
};

static int work(void *argument)
{
	const struct start *start = argument;

	start->forget(start->context);
	while (work_once(start->pipe, start->begun)) {
		/* again */
	}
	return EXIT_SUCCESS;
}

/* The pool's side. */

bool pool_worker_start(struct pool_worker *worker, _Atomic uint32_t *begun,
		       void (*forget)(void *context), void *context)
{
	const struct process_options options = { .name = "pool worker", .daemon = true };
	int ends[2];

	if (!pipe_open(ends)) {
		return false;
	}
	*begun = 0;
	*worker = (struct pool_worker){ .pipe = ends[0], .begun = begun };
	struct start start = { ends[1], begun, forget, context };
	worker->process = process_start(&options, work, &start);
	int saved_errno = errno;
	close(ends[1]);
	if (!worker->process) {
		pool_worker_end(worker, 0);
	}
	errno = saved_errno;
	return worker->process;
}

bool pool_worker_give(struct pool_worker *worker, const unsigned char *request, size_t size)
{
	return pipe_send(worker->pipe, request, size, 0) == PIPE_DONE;
}

bool pool_worker_take(struct pool_worker *worker, struct pool_reply *reply)
{
	unsigned char bytes[PIPE_MESSAGE_MAX];
	struct answer answer;
	size_t size;

	if (pipe_receive(worker->pipe, bytes, sizeof(bytes), &size, 0) != PIPE_DONE ||
	    size < sizeof(answer)) {
		return false;
	}
	memcpy(&answer, bytes, sizeof(answer));
	reply->done = answer.done;
	reply->size = size - sizeof(answer);
	if (reply->size > sizeof(reply->result)) {
		return false;
	}
	memcpy(reply->result, bytes + sizeof(answer), reply->size);
	worker->answered++;
	return true;
}

bool pool_worker_had_begun(const struct pool_worker *worker)
{
	return *worker->begun > worker->answered;
}

void pool_worker_dismiss(struct pool_worker *worker)
{
	const struct pool_request leave = { .run = NULL };

	worker->leaving = true;
	pipe_send(worker->pipe, &leave, sizeof(leave), 0);
}

void pool_worker_end(struct pool_worker *worker, int64_t timeout_ns)
{
	if (worker->process) {
		process_join(worker->process, timeout_ns);
		process_destroy(worker->process);
	}
	if (worker->pipe != NO_PIPE) {
		close(worker->pipe);
	}
	*worker = (struct pool_worker){ .pipe = NO_PIPE };
}
