#include "server/state/booking_queue.h"

#include <sys/random.h>

#include "shared/base/log.h"
#include "shared/sync/futex.h"

void booking_queue_init(struct booking_queue *queue, unsigned workers)
{
	queue->workers = workers;
	waitlist_init(&queue->waitlist);
	refusals_init(&queue->refusals);
	mutex_init(&queue->counting, MUTEX_PLAIN);
	claims_init(&queue->claims);
	if (getrandom(&queue->server, sizeof(queue->server), 0) != sizeof(queue->server)) {
		die("no random numbers to be had");
	}
	queue->server = (queue->server & INT64_MAX) | 1;
}

struct booking_slot *booking_queue_reserve(struct booking_queue *queue, uint32_t worker)
{
	struct booking_ring *ring = &queue->rings[worker];
	uint64_t submitted = atomic_load_explicit(&ring->submitted, memory_order_relaxed);

	if (submitted - atomic_load_explicit(&ring->taken, memory_order_relaxed) ==
	    BOOKING_QUEUE_SLOTS) {
		return NULL;
	}
	return &ring->slots[submitted % BOOKING_QUEUE_SLOTS];
}

void booking_queue_submit(struct booking_queue *queue, uint32_t worker)
{
	struct booking_ring *ring = &queue->rings[worker];

	struct booking_slot *slot = &ring->slots[ring->submitted % BOOKING_QUEUE_SLOTS];

	slot->arrival = atomic_fetch_add_explicit(&queue->arrivals, 1, memory_order_relaxed);
	atomic_store_explicit(&slot->claim, BOOKING_WAITING, memory_order_relaxed);
	atomic_store_explicit(&ring->submitted, ring->submitted + 1, memory_order_release);
}

bool booking_slot_take(struct booking_slot *slot)
{
	uint32_t claim = BOOKING_WAITING;

	return atomic_compare_exchange_strong(&slot->claim, &claim, BOOKING_TAKEN) ||
	       claim == BOOKING_TAKEN;
}

bool booking_slot_withdraw(struct booking_slot *slot)
{
	uint32_t claim = BOOKING_WAITING;

	return atomic_compare_exchange_strong(&slot->claim, &claim, BOOKING_WITHDRAWN);
}

void booking_queue_call(struct booking_queue *queue, uint32_t worker)
{
	/* Whoever serves says so before it looks at the rings: one of us sees the other. */
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&queue->serving, memory_order_relaxed) == 0) {
		booking_queue_ring_bell(queue, queue->one_clerk ? 0 : worker);
	}
}

bool booking_queue_has_answer(const struct booking_queue *queue, uint32_t worker)
{
	const struct booking_ring *ring = &queue->rings[worker];
	const struct booking_offers *offers = &queue->offers[worker];

	return atomic_load_explicit(&ring->answered, memory_order_acquire) !=
		       atomic_load_explicit(&ring->taken, memory_order_relaxed) ||
	       atomic_load_explicit(&offers->published, memory_order_acquire) !=
		       atomic_load_explicit(&offers->taken, memory_order_relaxed);
}

const struct booking_slot *booking_queue_answer(struct booking_queue *queue, uint32_t worker)
{
	const struct booking_ring *ring = &queue->rings[worker];

	if (atomic_load_explicit(&ring->answered, memory_order_acquire) == ring->taken) {
		return NULL;
	}
	return &ring->slots[ring->taken % BOOKING_QUEUE_SLOTS];
}

void booking_queue_take(struct booking_queue *queue, uint32_t worker)
{
	struct booking_ring *ring = &queue->rings[worker];

	atomic_store_explicit(&ring->taken, ring->taken + 1, memory_order_release);
}

const struct booking_offer *booking_queue_offer(struct booking_queue *queue, uint32_t worker)
{
	struct booking_offers *offers = &queue->offers[worker];

	if (atomic_load_explicit(&offers->published, memory_order_acquire) == offers->taken) {
		return NULL;
	}
	return &offers->slots[offers->taken % BOOKING_QUEUE_OFFERS];
}

void booking_queue_take_offer(struct booking_queue *queue, uint32_t worker)
{
	struct booking_offers *offers = &queue->offers[worker];

	atomic_store_explicit(&offers->taken, offers->taken + 1, memory_order_release);
}

bool booking_queue_keep_unreleased(struct booking_queue *queue, uint32_t worker, uint64_t session)
{
	struct booking_queue_unreleased *list = &queue->unreleased[worker];
	uint32_t count = list->count;

	if (count == BOOKING_QUEUE_UNRELEASED) {
		return false;
	}
	list->sessions[count] = session;
	atomic_store_explicit(&list->count, count + 1, memory_order_release);
	return true;
}

uint64_t booking_queue_unreleased(const struct booking_queue *queue, uint32_t worker)
{
	const struct booking_queue_unreleased *list = &queue->unreleased[worker];

	return list->count > 0 ? list->sessions[list->count - 1] : 0;
}

void booking_queue_forget_unreleased(struct booking_queue *queue, uint32_t worker)
{
	atomic_fetch_sub(&queue->unreleased[worker].count, 1);
}

bool booking_queue_has_work_of(const struct booking_queue *queue, uint32_t worker)
{
	const struct booking_ring *ring = &queue->rings[worker];

	return atomic_load_explicit(&ring->submitted, memory_order_acquire) !=
	       atomic_load_explicit(&ring->answered, memory_order_relaxed);
}

bool booking_queue_has_work(const struct booking_queue *queue)
{
	for (uint32_t worker = 0; worker < queue->workers; worker++) {
		if (booking_queue_has_work_of(queue, worker)) {
			return true;
		}
	}
	return false;
}

void booking_queue_wait(struct booking_queue *queue, uint32_t worker, int64_t timeout_ns)
{
	struct booking_ring *ring = &queue->rings[worker];
	uint32_t bell = atomic_load(&ring->bell);

	atomic_store(&ring->clerk_asleep, 1);
	/* A bell that rang before we read its number may have been for another's work. */
	bool work = queue->each_own ? booking_queue_has_work_of(queue, worker)
				    : booking_queue_has_work(queue);

	if (!work || atomic_load(&queue->serving) != 0) {
		futex_wait(&ring->bell, bell, timeout_ns);
	}
	atomic_store(&ring->clerk_asleep, 0);
}

void booking_queue_ring_bell(struct booking_queue *queue, uint32_t worker)
{
	struct booking_ring *ring = &queue->rings[worker];

	/* Only the clerk clears it: if we did and died before the wake, nobody would wake it. */
	atomic_fetch_add(&ring->bell, 1);
	if (atomic_load(&ring->clerk_asleep) != 0) {
		futex_wake(&ring->bell, FUTEX_EVERYONE);
	}
}

void booking_queue_bury(struct booking_queue *queue, uint32_t worker)
{
	uint32_t dead = worker + 1;

	atomic_compare_exchange_strong(&queue->serving, &dead, 0);
	/* Every ring that there is: `workers` may say anything if the dead one was taken over. */
	for (uint32_t i = 0; i < OPTIONS_WORKERS_MAX; i++) {
		booking_queue_ring_bell(queue, i);
	}
}
