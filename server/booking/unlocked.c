#include "server/booking/unlocked.h"

#include "shared/base/clock.h"

#define THINK_NS     (2 * NS_PER_MS) /* between reading and writing */
#define LOCK_WAIT_NS (5 * NS_PER_SECOND)
#define LAPSES_MAX   512 /* holds that lapse in one transaction */

static bool begin(struct batcher *batcher)
{
	if (!store_take(batcher->store, LOCK_WAIT_NS)) {
		return false;
	}
	if (store_begin(batcher->store) == STORE_OK) {
		return true;
	}
	store_give(batcher->store);
	return false;
}

static bool end(struct batcher *batcher, bool commit)
{
	bool good = true;

	if (commit) {
		good = store_commit(batcher->store) == STORE_OK;
		batcher->commits += good;
	}
	if (!commit || !good) {
		store_rollback(batcher->store);
	}
	good = good && store_tend(batcher->store) == STORE_OK;
	store_give(batcher->store);
	return good;
}

/* The search: what is sold and held just now. */
static bool read_event(struct batcher *batcher, const char *name, struct store_event *seen)
{
	struct store_event *event;
	bool found;

	if (!begin(batcher)) {
		return false;
	}
	found = store_event_find(batcher->store, name, &event) == STORE_OK;
	if (found) {
		*seen = *event;
	}
	return end(batcher, false) && found;
}

static void show_on_board(void *context, const struct store_event *event)
{
	(void)stock_board_put(context, event, event->total - event->sold - event->held);
}

/*
 * The purchase, on what was SEEN a while ago (NULL: on what is there). What is held is as it is, or
 * holds could not be told from what was sold twice, and would not lapse.
 */
static bool write_back(struct batcher *batcher, const struct store_event *seen,
		       struct booking_slot *slot)
{
	const struct booking_context rules = { .store = batcher->store,
					       .wall_ns = clock_wall_ns() };
	struct store_event *event;
	bool good;

	if (!begin(batcher)) {
		return false;
	}
	if (seen && store_event_find(batcher->store, seen->name, &event) == STORE_OK) {
		event->sold = seen->sold;
	}
	booking_carry_out(&rules, &slot->request, &slot->answer);
	good = slot->answer.outcome != BOOKING_FAILED;
	batcher->queue->next_expiry_ns = 0; /* there may be a new one: look */
	good = end(batcher, good) && good;
	if (good) {
		store_events_changed(batcher->store, show_on_board, batcher->shared->board);
	}
	return good;
}

static bool carry_out(struct batcher *batcher, struct booking_slot *slot)
{
	struct store_event seen;

	if (slot->request.verb != BOOKING_BOOK ||
	    !read_event(batcher, slot->request.event, &seen)) {
		return write_back(batcher, NULL, slot);
	}
	clock_sleep(THINK_NS);
	return write_back(batcher, &seen, slot);
}

/* Ends the holds whose time is over, whosever they are. */
static bool lapse(struct batcher *batcher)
{
	const struct booking_context rules = { .store = batcher->store,
					       .wall_ns = clock_wall_ns() };
	int64_t next_ns;
	bool good;

	if (batcher->queue->next_expiry_ns > rules.wall_ns) {
		return true;
	}
	if (!begin(batcher)) {
		return false;
	}
	good = booking_lapse(&rules, LAPSES_MAX, &next_ns);
	if (good) {
		batcher->queue->next_expiry_ns = next_ns;
	}
	good = end(batcher, good) && good;
	if (good) {
		store_events_changed(batcher->store, show_on_board, batcher->shared->board);
	}
	return good;
}

bool unlocked_serve(struct batcher *batcher)
{
	struct booking_ring *ring = &batcher->queue->rings[batcher->worker];
	bool good = true;

	while (good && !batcher->stopping &&
	       booking_queue_has_work_of(batcher->queue, batcher->worker)) {
		struct booking_slot *slot = &ring->slots[ring->answered % BOOKING_QUEUE_SLOTS];

		good = carry_out(batcher, slot);
		if (!good) {
			slot->answer.outcome = BOOKING_FAILED;
		}
		atomic_store_explicit(&ring->answered, ring->answered + 1, memory_order_release);
		(void)waker_wake(&batcher->score->waker);
	}
	good = good && lapse(batcher);
	if (good && archive_is_due(batcher->shared) && store_take(batcher->store, LOCK_WAIT_NS)) {
		good = batch_keep_chat(batcher);
		store_give(batcher->store);
	}
	return good;
}
