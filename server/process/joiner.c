#include "server/process/joiner.h"

#include <signal.h>
#include <string.h>

#include "server/booking/back_off.h"
#include "server/booking/batch.h"
#include "server/process/bind.h"
#include "server/process/worker.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"
#include "shared/process/channel.h"
#include "shared/process/process.h"

#define CHILD_NS (3 * NS_PER_SECOND) /* a child that takes longer hangs, and is killed */

/* How a child ends. Killed, or stopped by another fault (die says 1), it ends otherwise. */
enum { SERVED = 0, NOTHING_DONE = 3, STORE_DOWN = 4, STORE_HINDERED = 5 };

struct serving {
	struct shared_state *shared;
	struct score *score; /* the joiner's: for its heartbeat */
	uint32_t worker;     /* whose request comes next */
	struct back_off back_off;
};

static int serve_with(struct batcher *batcher, struct back_off *back_off)
{
	char why[STORE_ERROR_SIZE];

	if (!batch_open(batcher, why)) {
		if (batch_note_holder(batcher)) {
			return STORE_HINDERED;
		}
		(void)back_off_note(back_off, why);
		return STORE_DOWN;
	}
	if (batch_serve(batcher)) {
		return batcher->commits > 0 ? SERVED : NOTHING_DONE;
	}
	if (store_hindrance(batcher->store) != STORE_FREE) {
		return STORE_HINDERED;
	}
	(void)back_off_note(back_off, store_error(batcher->store));
	return STORE_DOWN;
}

/* In the child: one request, or whatever is due, and the end. */
static int serve_one(void *argument)
{
	struct serving *serving = argument;
	struct batcher batcher;

	batch_init(&batcher, serving->shared, serving->worker);
	batcher.most = 1;
	batcher.only_one = true;
	int status = serve_with(&batcher, &serving->back_off);

	batch_close(&batcher);
	return status;
}

/* The child counted in a copy of the back-off, and wrote the log; what lasts is counted here. */
static void back_off_after(struct booking_queue *queue, struct back_off *back_off, int status)
{
	if (status == SERVED) {
		atomic_store(&queue->failed_ns, 0);
		back_off_end(back_off);
	} else if (status == STORE_DOWN) {
		atomic_store(&queue->failed_ns, clock_monotonic_ns());
		clock_sleep(back_off_note(back_off, NULL));
		back_off->said = true;
	} else if (status == STORE_HINDERED) {
		clock_sleep(BACK_OFF_HINDERED_NS);
	}
}

static void start_and_join(struct serving *serving)
{
	const struct process_options options = { .name = "turnstile-sale", .daemon = true };
	struct process *child = process_start(&options, serve_one, serving);

	atomic_store(&serving->score->heartbeat_ns, clock_monotonic_ns());
	atomic_store(&serving->score->child, child ? process_pid(child) : 0);
	if (!child) {
		log_error("no child for a booking: trying again");
		clock_sleep(100 * NS_PER_MS);
		return;
	}
	int status = NOTHING_DONE;

	if (process_join(child, CHILD_NS)) {
		status = process_exit_status(child);
	} else {
		log_warning("a booking's child (pid %d) hangs: it is killed",
			    (int)process_pid(child));
	}
	process_destroy(child);
	/* One that was killed at work left a note that somebody serves: no worker would ring. */
	atomic_store(&serving->shared->queue->serving, 0);
	back_off_after(serving->shared->queue, &serving->back_off, status);
}

/* The next worker, in turn, that has a request on the queue; the same one if none has. */
static uint32_t next_worker(const struct booking_queue *queue, uint32_t last)
{
	for (uint32_t i = 1; i <= queue->workers; i++) {
		if (booking_queue_has_work_of(queue, (last + i) % queue->workers)) {
			return (last + i) % queue->workers;
		}
	}
	return last;
}

static void serve_all(struct serving *serving)
{
	struct booking_queue *queue = serving->shared->queue;

	while (booking_queue_has_work(queue)) {
		serving->worker = next_worker(queue, serving->worker);
		start_and_join(serving);
	}
}

/* What it was to do lies on the queue, for the next. */
static bool is_to_let_go(int channel)
{
	static struct channel_message received;
	uint32_t kind = MESSAGE_READY;

	if (channel_receive(channel, &received) == CHANNEL_OK && received.length >= sizeof(kind)) {
		memcpy(&kind, received.bytes, sizeof(kind));
	}
	return kind == MESSAGE_YIELD;
}

int joiner_run(void *argument)
{
	const struct worker_start *start = argument;
	const struct worker_message ready = { .kind = MESSAGE_READY };
	struct serving serving = { .shared = start->shared,
				   .score = &start->shared->scoreboard->scores[start->number] };
	struct booking_queue *queue = start->shared->queue;

	log_rename("joiner");
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	(void)bind_to_role(SANDBOX_JOINER, start->shared->options);
	if (channel_send(start->channel, &ready, WORKER_MESSAGE_LENGTH(0), NULL, 0) != CHANNEL_OK) {
		return 1;
	}
	while (!is_to_let_go(start->channel)) {
		booking_queue_wait(queue, 0, batch_wait_at_most(queue, false));
		atomic_store(&serving.score->heartbeat_ns, clock_monotonic_ns());
		serve_all(&serving);
		if (queue->hindered || queue->next_expiry_ns <= clock_deadlines_ns() ||
		    archive_is_due(start->shared)) {
			start_and_join(&serving);
		}
	}
	return 0;
}
