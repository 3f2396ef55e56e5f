#include "server/booking/clerk.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/open.h"
#include "server/booking/back_off.h"
#include "server/booking/batch.h"
#include "server/booking/unlocked.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"
#include "shared/base/siphash.h"
#include "shared/sync/latch.h"

#define YIELD_LOOK_NS NS_PER_MS /* how often to look whether all is answered */

struct clerk {
	pthread_t thread;
	struct batcher batcher;
	struct back_off back_off;
	struct latch stop; /* ends a pause */
	bool (*serve)(struct batcher *batcher);
	char why[STORE_ERROR_SIZE]; /* the store failed last */
	uint64_t refused;           /* a database that was there, the last time: hash_of `why` */
};

/* False when the store failed: then its handle is not to be trusted any more. */
static bool serve(struct clerk *clerk)
{
	struct batcher *batcher = &clerk->batcher;
	const uint64_t commits = batcher->commits;

	if (clerk->serve(batcher)) {
		if (batcher->commits != commits) {
			atomic_store(&batcher->queue->failed_ns, 0);
			back_off_end(&clerk->back_off);
		}
		return true;
	}
	if (store_hindrance(batcher->store) != STORE_FREE &&
	    store_hindrance(batcher->store) != STORE_AWAY) {
		(void)latch_wait(&clerk->stop, BACK_OFF_HINDERED_NS);
		return true;
	}
	(void)snprintf(clerk->why, sizeof(clerk->why), "%s", store_error(batcher->store));
	return false;
}

/* Of a text, and never 0. */
static uint64_t hash_of(const char *text)
{
	static const struct siphash_key no_secret;

	return siphash(&no_secret, text, strlen(text)) | 1;
}

/*
 * A database that is away is somebody else's business: that is said once for all clerks. And once,
 * when it is there and cannot be used, what is wrong with it; if it is twice the same, since it may
 * be about to start.
 */
static void note_away(struct clerk *clerk)
{
	struct booking_queue *queue = clerk->batcher.queue;
	const uint64_t why = hash_of(clerk->why);
	const bool again = why == clerk->refused;

	back_off_note_hindered(&queue->hindered, clerk->why);
	clerk->refused = 0;
	if (queue->refused == why || store_is_away(clerk->batcher.shared->options->store)) {
		return;
	}
	clerk->refused = why;
	if (again && atomic_exchange(&queue->refused, why) != why) {
		log_error("no bookings until this is mended: %s", clerk->why);
	}
}

/*
 * The pause comes after the opening, so that the last of the chat can still be kept when the clerk
 * is stopped meanwhile.
 */
static bool open_anew(struct clerk *clerk)
{
	struct batcher *batcher = &clerk->batcher;

	if (batch_note_holder(batcher)) { /* opening waits for it */
		return batch_open(batcher, clerk->why);
	}
	const bool is_file = store_is_file(batcher->shared->options->store);

	atomic_store(&batcher->queue->failed_ns, clock_monotonic_ns());
	int64_t pause_ns = back_off_note(&clerk->back_off, is_file ? clerk->why : NULL);
	bool open = batch_open(batcher, clerk->why);

	if (!open) {
		batch_give_up(batcher);
	}
	if (!is_file && open) {
		log_info("connected to the database again: %s", clerk->why);
	} else if (!is_file) {
		note_away(clerk);
	}
	(void)latch_wait(&clerk->stop, pause_ns);
	return open;
}

static void *run(void *argument)
{
	struct clerk *clerk = argument;
	struct batcher *batcher = &clerk->batcher;
	bool open = batch_open(batcher, clerk->why);

	while (!batch_is_over(batcher)) {
		if (open) {
			booking_queue_wait(
				batcher->queue, batcher->worker,
				batch_wait_at_most(batcher->queue, store_tells(batcher->store)));
			open = serve(clerk);
		} else {
			open = open_anew(clerk);
		}
	}
	return NULL;
}

struct clerk *clerk_start(struct shared_state *shared, uint32_t worker)
{
	struct clerk *clerk = calloc(1, sizeof(*clerk));

	if (!clerk) {
		die("out of memory");
	}
	clerk->serve = shared->options->serialize == SERIALIZE_NONE ? unlocked_serve : batch_serve;
	batch_init(&clerk->batcher, shared, worker);
	if (pthread_create(&clerk->thread, NULL, run, clerk) != 0) {
		die("the clerk's thread cannot be started");
	}
	return clerk;
}

/* Another worker's clerk may have answered it all while ours waits for the lock. */
static bool has_yielded(const struct batcher *batcher)
{
	const struct booking_queue *queue = batcher->queue;

	return batch_is_over(batcher) && queue->serving != batcher->worker + 1;
}

static bool is_in_a_batch(const struct batcher *batcher)
{
	return batcher->queue->serving == batcher->worker + 1;
}

bool clerk_yield(struct clerk *clerk, int64_t patience_ns, int64_t batch_ns)
{
	int64_t until_ns = clock_deadline(patience_ns);
	int64_t batch_until_ns = clock_deadline(batch_ns);

	if (!clerk) {
		return true;
	}
	atomic_store(&clerk->batcher.yields, true);
	booking_queue_ring_bell(clerk->batcher.queue, clerk->batcher.worker);
	while (!has_yielded(&clerk->batcher) &&
	       clock_monotonic_ns() <
		       (is_in_a_batch(&clerk->batcher) ? batch_until_ns : until_ns)) {
		clock_sleep(YIELD_LOOK_NS);
	}
	return has_yielded(&clerk->batcher);
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
