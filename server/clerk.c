#include "server/clerk.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "db/booking.h"
#include "shared/clock.h"
#include "shared/log.h"

#define BATCH_MAX    512           /* requests of one transaction */
#define LOOK_NS      NS_PER_SECOND /* how often an idle clerk looks for what others changed */
#define LOCK_WAIT_NS (5 * NS_PER_SECOND)

struct clerk {
	pthread_t thread;
	struct commons *commons;
	struct desk *desk;
	struct score *score;
	struct store *store;
	uint32_t worker;
	_Atomic bool stopping;
	_Atomic bool failed;
};

/* The board */

struct board_fill {
	struct board *board;
	bool full;
};

static void put_on_board(void *context, const struct store_event *event)
{
	struct board_fill *fill = context;

	fill->full |= !board_put(fill->board, event);
}

void clerk_fill_board(struct store *store, struct board *board)
{
	struct board_fill fill = { board, false };

	if (store_event_each(store, put_on_board, &fill) != STORE_OK) {
		log_error("the events cannot be read: %s", store_error(store));
	}
	if (fill.full) {
		log_warning("more than %d events: the rest is not shown", BOARD_EVENTS_MAX);
	}
}

/* Puts the events that the last commit changed on the board. */
static void show_changes(struct clerk *clerk)
{
	struct board_fill fill = { clerk->commons->board, false };

	store_events_changed(clerk->store, put_on_board, &fill);
}

/* Batches */

static void publish(struct desk *desk, struct scoreboard *scoreboard)
{
	for (uint32_t i = 0; i < desk->workers; i++) {
		struct desk_ring *ring = &desk->rings[i];

		if (desk->batch.end[i] > ring->answered) {
			atomic_store_explicit(&ring->answered, desk->batch.end[i],
					      memory_order_release);
			(void)waker_wake(&scoreboard->scores[i].waker);
		}
	}
	atomic_store(&desk->batch.under_way, false);
}

/*
 * A predecessor may have died between its commit and its answers. If the store has its batch, the
 * answers in the slots are good; if not, they never were, and the requests are carried out anew.
 */
static bool settle_predecessor(struct clerk *clerk)
{
	struct desk *desk = clerk->desk;
	int64_t committed = 0;

	if (!atomic_load(&desk->batch.under_way)) {
		return true;
	}
	if (store_batch_last(clerk->store, desk->server, &committed) != STORE_OK) {
		return false;
	}
	log_info("a clerk died at batch %lld, %s its commit", (long long)desk->batch.number,
		 committed >= desk->batch.number ? "after" : "before");
	if (committed >= desk->batch.number) {
		clerk_fill_board(clerk->store, clerk->commons->board);
		publish(desk, clerk->commons->scoreboard);
	}
	atomic_store(&desk->batch.under_way, false);
	return true;
}

/* Carries out what lies in the rings, each in turn, within a transaction; returns how many. */
static unsigned carry_out_all(struct clerk *clerk, bool *failed)
{
	struct desk *desk = clerk->desk;
	int64_t wall_ns = clock_wall_ns();
	unsigned done = 0;

	for (uint32_t i = 0; i < desk->workers; i++) {
		struct desk_ring *ring = &desk->rings[i];
		uint64_t submitted = atomic_load_explicit(&ring->submitted, memory_order_acquire);
		uint64_t at = ring->answered;

		for (; at < submitted && done < BATCH_MAX && !*failed; at++, done++) {
			struct desk_slot *slot = &ring->slots[at % DESK_SLOTS];

			booking_carry_out(clerk->store, &slot->request, wall_ns, &slot->answer);
			*failed = slot->answer.outcome == BOOKING_FAILED;
		}
		desk->batch.end[i] = at;
	}
	return done;
}

static bool commit(struct clerk *clerk)
{
	struct desk *desk = clerk->desk;

	desk->batch.number++;
	atomic_store(&desk->batch.under_way, true);
	return store_batch_mark(clerk->store, desk->server, desk->batch.number) == STORE_OK &&
	       store_commit(clerk->store) == STORE_OK;
}

/* Tells all who were in the batch that it failed. */
static void answer_failure(struct clerk *clerk)
{
	struct desk *desk = clerk->desk;

	for (uint32_t i = 0; i < desk->workers; i++) {
		struct desk_ring *ring = &desk->rings[i];

		for (uint64_t at = ring->answered; at < desk->batch.end[i]; at++) {
			ring->slots[at % DESK_SLOTS].answer.outcome = BOOKING_FAILED;
		}
	}
	publish(desk, clerk->commons->scoreboard);
}

/* With the lock held: one transaction of what there is. False when the store failed. */
static bool serve_batch(struct clerk *clerk)
{
	bool failed = store_begin(clerk->store) != STORE_OK;
	unsigned done = failed ? 0 : carry_out_all(clerk, &failed);

	if (failed || !commit(clerk)) {
		log_error("the store failed: %s", store_error(clerk->store));
		store_rollback(clerk->store);
		answer_failure(clerk);
		return false;
	}
	show_changes(clerk);
	publish(clerk->desk, clerk->commons->scoreboard);
	score_add(clerk->score, COUNTER_COMMITS, 1);
	score_add(clerk->score, COUNTER_BATCHED, done);
	return true;
}

/* With the lock held. Serves until nothing is left, and says that somebody is at work meanwhile. */
static bool serve_all(struct clerk *clerk)
{
	struct desk *desk = clerk->desk;
	bool good = settle_predecessor(clerk);

	while (good && desk_has_work(desk)) {
		atomic_store(&desk->serving, clerk->worker + 1);
		while (good && desk_has_work(desk) && !clerk->stopping) {
			good = serve_batch(clerk) && store_tend(clerk->store) == STORE_OK;
		}
		/* First it says that nobody is at work, then it looks once more: see desk_call. */
		atomic_store(&desk->serving, 0);
		atomic_thread_fence(memory_order_seq_cst);
		if (clerk->stopping) {
			break;
		}
	}
	return good;
}

/* Looks what other programs changed in the store. */
static void look_around(struct clerk *clerk)
{
	if (store_changed_elsewhere(clerk->store)) {
		clerk_fill_board(clerk->store, clerk->commons->board);
		(void)waker_wake(&clerk->commons->scoreboard->scores[clerk->worker].waker);
	}
}

static bool serve(struct clerk *clerk)
{
	bool good;

	if (!store_take(clerk->store, LOCK_WAIT_NS)) {
		log_warning("the store's lock could not be had in time: %s",
			    store_error(clerk->store));
		return true;
	}
	look_around(clerk);
	good = serve_all(clerk);
	store_give(clerk->store);
	return good;
}

/* After a failure the handle is not trusted any more. */
static bool open_anew(struct clerk *clerk)
{
	char error[STORE_ERROR_SIZE];

	store_close(clerk->store);
	clerk->store = store_open(clerk->commons->options->store, error);
	if (!clerk->store) {
		log_error("%s", error);
	}
	return clerk->store != NULL;
}

static void *run(void *argument)
{
	struct clerk *clerk = argument;

	while (!clerk->stopping) {
		desk_wait(clerk->desk, clerk->worker, LOOK_NS);
		if (!serve(clerk) && !open_anew(clerk)) {
			clerk->failed = true;
			(void)waker_wake(&clerk->commons->scoreboard->scores[clerk->worker].waker);
			break;
		}
	}
	return NULL;
}

struct clerk *clerk_start(struct commons *commons, uint32_t worker)
{
	char error[STORE_ERROR_SIZE];
	struct clerk *clerk = calloc(1, sizeof(*clerk));

	if (!clerk) {
		die("out of memory");
	}
	clerk->commons = commons;
	clerk->desk = commons->desk;
	clerk->score = &commons->scoreboard->scores[worker];
	clerk->worker = worker;
	clerk->store = store_open(commons->options->store, error);
	if (!clerk->store) {
		log_error("%s", error);
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
	return clerk->failed;
}

void clerk_stop(struct clerk *clerk)
{
	clerk->stopping = true;
	desk_ring_bell(clerk->desk, clerk->worker);
	pthread_join(clerk->thread, NULL);
	store_close(clerk->store);
	free(clerk);
}
