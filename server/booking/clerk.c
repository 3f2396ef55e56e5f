#include "server/booking/clerk.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "server/booking/back_off.h"
#include "server/booking/batch.h"
#include "server/booking/unlocked.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"
#include "shared/sync/latch.h"

#define OPENINGS_MAX 8 /* in a row that fail: two to eight seconds */

struct clerk {
	pthread_t thread;
	struct batcher batcher;
	struct back_off back_off;
	struct latch stop; /* ends a pause */
	bool (*serve)(struct batcher *batcher);
	_Atomic bool failed;
};

/*
 * After a failure the handle is not trusted any more. The pause comes after the opening, so that
 * the last of the chat can still be kept when the clerk is stopped meanwhile.
 */
static bool open_anew(struct clerk *clerk)
{
	struct batcher *batcher = &clerk->batcher;
	char why[STORE_ERROR_SIZE];
	bool open = false;

	atomic_store(&batcher->queue->failed_ns, clock_monotonic_ns());
	snprintf(why, sizeof(why), "%s", store_error(batcher->store));
	for (int i = 0; i < OPENINGS_MAX && !open && !batcher->stopping; i++) {
		int64_t pause_ns = back_off_note(&clerk->back_off, why);

		open = batch_open_anew(batcher, why);
		if (!open) {
			batch_give_up(batcher);
		}
		(void)latch_wait(&clerk->stop, pause_ns);
	}
	if (!open && !batcher->stopping) {
		log_error("the store cannot be opened anew: %s", why);
	}
	return open || batcher->stopping;
}

/* False when there is no store any more. */
static bool serve(struct clerk *clerk)
{
	const uint64_t commits = clerk->batcher.commits;
	bool good = clerk->serve(&clerk->batcher);

	if (good && clerk->batcher.commits != commits) {
		atomic_store(&clerk->batcher.queue->failed_ns, 0);
		back_off_end(&clerk->back_off);
	}
	return good || open_anew(clerk);
}

static void *run(void *argument)
{
	struct clerk *clerk = argument;
	struct batcher *batcher = &clerk->batcher;

	while (!batcher->stopping) {
		booking_queue_wait(batcher->queue, batcher->worker,
				   batch_wait_at_most(batcher->queue));
		if (!serve(clerk)) {
			clerk->failed = true;
			(void)waker_wake(&batcher->score->waker);
			break;
		}
	}
	return NULL;
}

struct clerk *clerk_start(struct shared_state *shared, uint32_t worker)
{
	struct clerk *clerk = calloc(1, sizeof(*clerk));
	char why[STORE_ERROR_SIZE];

	if (!clerk) {
		die("out of memory");
	}
	clerk->serve = shared->options->serialize == SERIALIZE_NONE ? unlocked_serve : batch_serve;
	if (!batch_open(&clerk->batcher, shared, worker, why)) {
		log_error("%s", why);
		free(clerk);
		return NULL;
	}
	if (pthread_create(&clerk->thread, NULL, run, clerk) != 0) {
		die("the clerk's thread cannot be started");
	}
	return clerk;
}

bool clerk_failed(const struct clerk *clerk)
{
	return clerk && clerk->failed;
}

void clerk_stop(struct clerk *clerk)
{
	if (clerk) {
		clerk->batcher.stopping = true;
		latch_set(&clerk->stop);
		booking_queue_ring_bell(clerk->batcher.queue, clerk->batcher.worker);
		pthread_join(clerk->thread, NULL);
		batch_close(&clerk->batcher);
		free(clerk);
	}
}
