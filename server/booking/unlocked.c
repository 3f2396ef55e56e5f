#include "server/booking/unlocked.h"

#include "db/booking/lapse.h"
#include "db/booking/stale.h"
#include "db/booking/stock.h"
#include "db/store/tickets.h"
#include "server/booking/back_off.h"
#include "shared/base/clock.h"

#define THINK_NS     (2 * NS_PER_MS) /* between reading and writing */
#define LOCK_WAIT_NS (5 * NS_PER_SECOND)
#define LAPSES_MAX   512 /* holds that lapse in one transaction */

/* Without a change there is nothing to keep. */
static bool end(struct batcher *batcher, bool keep)
{
	bool commit = keep && store_has_changes(batcher->store);
	bool good = booking_stale_end(batcher->store, commit);

	batcher->commits += commit && good;
	return good;
}

static void show_on_board(void *context, const struct store_event *event)
{
	(void)stock_board_put(context, event, booking_stock_free(event));
}

/* The purchase, on what was SEEN a while ago (NULL: on what is there). */
static bool write_back(struct batcher *batcher, const struct store_event *seen,
		       struct booking_slot *slot)
{
	const struct booking_context rules = { .store = batcher->store,
					       .wall_ns = clock_deadlines_ns(),
					       .limits = batch_limits(batcher->shared->options) };
	bool good;

	if (!booking_stale_begin(batcher->store)) {
		return false;
	}
	booking_stale_carry_out(&rules, seen, &slot->request, &slot->answer);
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
	    !booking_stale_read(batcher->store, slot->request.event, &seen)) {
		return write_back(batcher, NULL, slot);
	}
	clock_sleep(THINK_NS);
	return write_back(batcher, &seen, slot);
}

/* Ends the holds whose time is over, whosever they are. */
static bool lapse(struct batcher *batcher)
{
	const struct booking_context rules = { .store = batcher->store,
					       .wall_ns = clock_deadlines_ns() };
	int64_t next_ns;
	bool good;

	if (batcher->queue->next_expiry_ns > rules.wall_ns) {
		return true;
	}
	if (!booking_stale_begin(batcher->store)) {
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

/* Whether the store, which somebody else had, can be written again. */
static bool can_go_on(struct batcher *batcher)
{
	_Atomic bool *hindered = &batcher->queue->hindered;

	if (!*hindered) {
		return true;
	}
	if (!booking_stale_begin(batcher->store) || !end(batcher, false)) {
		return false;
	}
	back_off_end_hindered(hindered);
	return true;
}

static bool serve_next(struct batcher *batcher)
{
	struct booking_ring *ring = &batcher->queue->rings[batcher->worker];
	struct booking_slot *slot = &ring->slots[ring->answered % BOOKING_QUEUE_SLOTS];
	bool good = !booking_slot_take(slot) || carry_out(batcher, slot);

	if (!good) {
		slot->answer.outcome =
			store_is_unclear(batcher->store) ? BOOKING_UNCLEAR : batch_failure(batcher);
	}
	atomic_store_explicit(&ring->answered, ring->answered + 1, memory_order_release);
	atomic_store(&batcher->queue->answered_ns, clock_monotonic_ns());
	(void)waker_wake(&batcher->score->waker);
	return good;
}

bool unlocked_serve(struct batcher *batcher)
{
	/* Requests are taken only when the lock is to be had: until then they can be withdrawn. */
	if (!batch_take(batcher)) {
		return true;
	}
	batch_give(batcher);
	bool good = can_go_on(batcher);

	while (good && !batcher->stopping &&
	       booking_queue_has_work_of(batcher->queue, batcher->worker)) {
		good = serve_next(batcher);
	}
	good = good && lapse(batcher);
	if (good && archive_is_due(batcher->shared) && store_take(batcher->store, LOCK_WAIT_NS)) {
		good = batch_keep_chat(batcher);
		store_give(batcher->store);
	}
	if (!good) {
		batch_note_hindrance(batcher);
	}
	return good;
}
