#include "server/clerk.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "db/booking.h"
#include "shared/clock.h"
#include "shared/log.h"

#define BATCH_MAX    512               /* requests of one transaction */
#define LOOK_NS      NS_PER_SECOND     /* how often an idle clerk looks for what others changed */
#define NUMBER_NS    (250 * NS_PER_MS) /* how often waiters are told their positions at most */
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
	const struct booking_desk *desk;
	struct board *board;
	bool full;
};

static void put_on_board(void *context, const struct store_event *event)
{
	struct board_fill *fill = context;

	fill->full |= !board_put(fill->board, event, booking_left(fill->desk, event));
}

void clerk_fill_board(const struct booking_desk *desk, struct board *board)
{
	struct board_fill fill = { desk, board, false };

	if (store_event_each(desk->store, put_on_board, &fill) != STORE_OK) {
		log_error("the events cannot be read: %s", store_error(desk->store));
	}
	if (fill.full) {
		log_warning("more than %d events: the rest is not shown", BOARD_EVENTS_MAX);
	}
}

/* Puts the events that the last commit changed on the board. */
static void show_changes(struct clerk *clerk, const struct booking_desk *rules)
{
	struct board_fill fill = { rules, clerk->commons->board, false };

	store_events_changed(clerk->store, put_on_board, &fill);
}

/* Batches */

/* A place for an offer: published, like the answers, when the batch is committed. */
static struct booking_offer *place_for_offer(void *context, uint32_t worker)
{
	struct clerk *clerk = context;
	struct desk_offers *offers = &clerk->desk->offers[worker];

	if (offers->written - offers->taken == DESK_OFFERS) {
		return NULL;
	}
	return &offers->slots[offers->written++ % DESK_OFFERS];
}

static struct booking_desk rules_of(struct clerk *clerk)
{
	return (struct booking_desk){ .store = clerk->store,
				      .waitlist = &clerk->desk->waitlist,
				      .wall_ns = clock_wall_ns(),
				      .offer = place_for_offer,
				      .context = clerk };
}

static void wake_loop(struct clerk *clerk, uint32_t worker)
{
	(void)waker_wake(&clerk->commons->scoreboard->scores[worker].waker);
}

static void publish(struct clerk *clerk)
{
	struct desk *desk = clerk->desk;

	for (uint32_t i = 0; i < desk->workers; i++) {
		struct desk_ring *ring = &desk->rings[i];
		struct desk_offers *offers = &desk->offers[i];

		if (desk->batch.end[i] <= ring->answered && offers->written == offers->published) {
			continue;
		}
		atomic_store_explicit(&ring->answered, desk->batch.end[i], memory_order_release);
		atomic_store_explicit(&offers->published, offers->written, memory_order_release);
		wake_loop(clerk, i);
	}
	atomic_store(&desk->batch.state, BATCH_NONE);
}

/* The batch is not in the store and never will be: its traces on the desk go. */
static void undo_batch(struct desk *desk)
{
	waitlist_roll_back(&desk->waitlist);
	for (uint32_t i = 0; i < desk->workers; i++) {
		desk->offers[i].written = desk->offers[i].published;
	}
}

/*
 * A predecessor may have died between its commit and its answers. If the store has its batch, the
 * answers in the slots are good; if not, they never were, and the requests are carried out anew.
 */
static bool settle_predecessor(struct clerk *clerk, const struct booking_desk *rules)
{
	struct desk *desk = clerk->desk;
	int64_t last = 0;

	if (atomic_load(&desk->batch.state) == BATCH_NONE) {
		return true;
	}
	if (store_batch_last(clerk->store, desk->server, &last) != STORE_OK) {
		return false;
	}
	bool committed = desk->batch.state == BATCH_COMMITTED && last >= desk->batch.number;

	log_info("a clerk died at batch %lld, %s its commit", (long long)desk->batch.number,
		 committed ? "after" : "before");
	waitlist_repair(&desk->waitlist);
	desk->next_expiry_ns = 0;
	if (committed) {
		clerk_fill_board(rules, clerk->commons->board);
		waitlist_commit(&desk->waitlist);
		publish(clerk);
	} else {
		undo_batch(desk);
		atomic_store(&desk->batch.state, BATCH_NONE);
	}
	return true;
}

/* Carries out what lies in the rings, each in turn, within a transaction; returns how many. */
static unsigned carry_out_all(struct desk *desk, const struct booking_desk *rules, bool *failed)
{
	unsigned done = 0;

	for (uint32_t i = 0; i < desk->workers; i++) {
		struct desk_ring *ring = &desk->rings[i];
		uint64_t submitted = atomic_load_explicit(&ring->submitted, memory_order_acquire);
		uint64_t at = ring->answered;

		for (; at < submitted && done < BATCH_MAX && !*failed; at++, done++) {
			struct desk_slot *slot = &ring->slots[at % DESK_SLOTS];

			booking_carry_out(rules, &slot->request, &slot->answer);
			*failed = slot->answer.outcome == BOOKING_FAILED;
		}
		desk->batch.end[i] = at;
	}
	return done;
}

static bool lapse(struct desk *desk, const struct booking_desk *rules)
{
	int64_t next_ns;

	if (!booking_lapse(rules, BATCH_MAX, &next_ns)) {
		return false;
	}
	atomic_store(&desk->next_expiry_ns, next_ns);
	return true;
}

static bool commit(struct clerk *clerk)
{
	struct desk *desk = clerk->desk;

	desk->batch.number++;
	atomic_store(&desk->batch.state, BATCH_COMMITTED);
	return store_batch_mark(clerk->store, desk->server, desk->batch.number) == STORE_OK &&
	       store_commit(clerk->store) == STORE_OK;
}

/* Tells all who were in the batch that it failed. */
static void answer_failure(struct clerk *clerk)
{
	struct desk *desk = clerk->desk;

	log_error("the store failed: %s", store_error(clerk->store));
	store_rollback(clerk->store);
	undo_batch(desk);
	for (uint32_t i = 0; i < desk->workers; i++) {
		struct desk_ring *ring = &desk->rings[i];

		for (uint64_t at = ring->answered; at < desk->batch.end[i]; at++) {
			ring->slots[at % DESK_SLOTS].answer.outcome = BOOKING_FAILED;
		}
	}
	publish(clerk);
}

/* Tells the waiters their positions now and then, not with every change. */
static void number_waiters(struct clerk *clerk)
{
	struct desk *desk = clerk->desk;
	int64_t now_ns = clock_monotonic_ns();

	if (now_ns - desk->numbered_ns >= NUMBER_NS && waitlist_number(&desk->waitlist)) {
		desk->numbered_ns = now_ns;
		for (uint32_t i = 0; i < desk->workers; i++) {
			wake_loop(clerk, i);
		}
	}
}

/* With the lock held: one transaction of what there is. False when the store failed. */
static bool serve_batch(struct clerk *clerk)
{
	struct desk *desk = clerk->desk;
	const struct booking_desk rules = rules_of(clerk);
	bool failed = store_begin(clerk->store) != STORE_OK;
	unsigned done = 0;

	for (uint32_t i = 0; i < desk->workers; i++) {
		desk->batch.end[i] = desk->rings[i].answered;
		desk->offers[i].written = desk->offers[i].published;
	}
	atomic_store(&desk->batch.state, BATCH_CARRIED_OUT);
	if (!failed) {
		done = carry_out_all(desk, &rules, &failed);
	}
	if (failed || !lapse(desk, &rules) || !commit(clerk)) {
		answer_failure(clerk);
		return false;
	}
	score_add(clerk->score, COUNTER_COMMITS, 1);
	score_add(clerk->score, COUNTER_BATCHED, done);
	show_changes(clerk, &rules);
	waitlist_commit(&desk->waitlist);
	publish(clerk);
	number_waiters(clerk);
	return true;
}

static bool has_work(const struct desk *desk)
{
	return desk_has_work(desk) || desk->next_expiry_ns <= clock_wall_ns();
}

/* With the lock held. Serves until nothing is left, and says that somebody is at work meanwhile. */
static bool serve_all(struct clerk *clerk)
{
	struct desk *desk = clerk->desk;
	bool good = true;

	while (good && has_work(desk) && !clerk->stopping) {
		atomic_store(&desk->serving, clerk->worker + 1);
		while (good && has_work(desk) && !clerk->stopping) {
			good = serve_batch(clerk) && store_tend(clerk->store) == STORE_OK;
		}
		/* First it says that nobody is at work, then it looks once more: see desk_call. */
		atomic_store(&desk->serving, 0);
		atomic_thread_fence(memory_order_seq_cst);
	}
	number_waiters(clerk);
	return good;
}

/* Looks what other programs changed in the store. */
static void look_around(struct clerk *clerk, const struct booking_desk *rules)
{
	if (store_changed_elsewhere(clerk->store)) {
		clerk_fill_board(rules, clerk->commons->board);
		clerk->desk->next_expiry_ns = 0;
		wake_loop(clerk, clerk->worker);
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
	const struct booking_desk rules = rules_of(clerk);

	good = settle_predecessor(clerk, &rules);
	if (good) {
		look_around(clerk, &rules);
		good = serve_all(clerk);
	}
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

/* Until a hold ends, who waits is to be told something, or it is time to look around. */
static int64_t wait_at_most(const struct desk *desk)
{
	int64_t next_ns = desk->next_expiry_ns;
	int64_t wait_ns = next_ns == INT64_MAX ? LOOK_NS : next_ns - clock_wall_ns();

	int64_t most_ns = desk->waitlist.changed ? NUMBER_NS : LOOK_NS;

	if (wait_ns > most_ns) {
		wait_ns = most_ns;
	}
	return wait_ns > 0 ? wait_ns : 0;
}

static void *run(void *argument)
{
	struct clerk *clerk = argument;

	while (!clerk->stopping) {
		desk_wait(clerk->desk, clerk->worker, wait_at_most(clerk->desk));
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
