#include "server/process/joiner.h"

#include <signal.h>
#include <string.h>

#include "server/booking/back_off.h"
#include "server/booking/batch.h"
#include "server/chat/archive.h"
#include "server/process/worker.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"
#include "shared/process/channel.h"
#include "shared/process/process.h"

#define CHILD_NS (3 * NS_PER_SECOND) /* a child that takes longer hangs, and is killed */

/* How a child ends. Killed, or stopped by another fault (die says 1), it ends otherwise. */
enum { SERVED = 0, NOTHING_DONE = 3, STORE_TROUBLE = 4 };

struct errand {
	struct commons *commons;
	struct score *score; /* the joiner's: for its heartbeat */
	uint32_t worker;     /* whose request comes next */
	struct trouble trouble;
};

/* In the child: one request, or whatever is due, and the end. */
static int serve_one(void *argument)
{
	struct errand *errand = argument;
	char why[STORE_ERROR_SIZE];
	struct batcher batcher;

	if (!batch_open(&batcher, errand->commons, errand->worker, why)) {
		(void)trouble_note(&errand->trouble, why);
		return STORE_TROUBLE;
	}
	batcher.first = errand->worker;
	batcher.most = 1;
	batcher.only_one = true;
	bool good = batch_serve(&batcher);

	if (!good) {
		(void)trouble_note(&errand->trouble, store_error(batcher.store));
	}
	batch_close(&batcher);
	if (!good) {
		return STORE_TROUBLE;
	}
	return batcher.commits > 0 ? SERVED : NOTHING_DONE;
}

/* The child's trouble was a copy: it said in the log what was to be said, and here it is counted.
 */
static void mind_trouble(struct trouble *trouble, int status)
{
	if (status == SERVED) {
		trouble_end(trouble);
	} else if (status == STORE_TROUBLE) {
		clock_sleep(trouble_note(trouble, NULL));
	}
}

static void start_and_join(struct errand *errand)
{
	const struct process_options options = { .name = "turnstile-sale", .daemon = true };
	struct process *child = process_start(&options, serve_one, errand);

	atomic_store(&errand->score->heartbeat_ns, clock_monotonic_ns());

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
	/* One that was killed at work could not say that nobody is; then no worker would ring. */
	atomic_store(&errand->commons->desk->serving, 0);
	mind_trouble(&errand->trouble, status);
}

/* The next worker, in turn, that has a request on the desk; the same one if none has. */
static uint32_t next_worker(const struct desk *desk, uint32_t last)
{
	for (uint32_t i = 1; i <= desk->workers; i++) {
		if (desk_has_work_of(desk, (last + i) % desk->workers)) {
			return (last + i) % desk->workers;
		}
	}
	return last;
}

static void serve_all(struct errand *errand)
{
	struct desk *desk = errand->commons->desk;

	while (desk_has_work(desk)) {
		errand->worker = next_worker(desk, errand->worker);
		start_and_join(errand);
	}
}

int joiner_run(void *argument)
{
	const struct worker_start *start = argument;
	const struct worker_message ready = { .kind = MESSAGE_READY };
	struct errand errand = { .commons = start->commons,
				 .score = &start->commons->scoreboard->scores[start->number] };
	struct desk *desk = start->commons->desk;

	log_rename("joiner");
	(void)signal(SIGINT, SIG_IGN);
	if (channel_send(start->channel, &ready, WORKER_MESSAGE_LENGTH(0), NULL, 0) != CHANNEL_OK) {
		return 1;
	}
	for (;;) {
		desk_wait(desk, 0, batch_wait_at_most(desk));
		atomic_store(&errand.score->heartbeat_ns, clock_monotonic_ns());
		serve_all(&errand);
		if (desk->next_expiry_ns <= clock_wall_ns() || keeper_is_due(start->commons)) {
			start_and_join(&errand);
		}
	}
}
