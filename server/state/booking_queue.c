#include "server/state/booking_queue.h"

#include <limits.h>
#include <linux/futex.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "shared/base/log.h"

void desk_init(struct desk *desk, unsigned workers)
{
	desk->workers = workers;
	waitlist_init(&desk->waitlist);
	if (getrandom(&desk->server, sizeof(desk->server), 0) != sizeof(desk->server)) {
		die("no random numbers to be had");
	}
	desk->server = (desk->server & INT64_MAX) | 1;
}

struct desk_slot *desk_reserve(struct desk *desk, uint32_t worker)
{
	struct desk_ring *ring = &desk->rings[worker];
	uint64_t submitted = atomic_load_explicit(&ring->submitted, memory_order_relaxed);

	if (submitted - atomic_load_explicit(&ring->taken, memory_order_relaxed) == DESK_SLOTS) {
		return NULL;
	}
	return &ring->slots[submitted % DESK_SLOTS];
}

void desk_submit(struct desk *desk, uint32_t worker)
{
	struct desk_ring *ring = &desk->rings[worker];

	atomic_store_explicit(&ring->submitted, ring->submitted + 1, memory_order_release);
}

void desk_call(struct desk *desk, uint32_t worker)
{
	/* Whoever is at work says so first and looks at the rings after: one of us sees the other.
	 */
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&desk->serving, memory_order_relaxed) == 0) {
		desk_ring_bell(desk, desk->one_clerk ? 0 : worker);
	}
}

bool desk_has_answer(const struct desk *desk, uint32_t worker)
{
	const struct desk_ring *ring = &desk->rings[worker];
	const struct desk_offers *offers = &desk->offers[worker];

	return atomic_load_explicit(&ring->answered, memory_order_acquire) !=
		       atomic_load_explicit(&ring->taken, memory_order_relaxed) ||
	       atomic_load_explicit(&offers->published, memory_order_acquire) !=
		       atomic_load_explicit(&offers->taken, memory_order_relaxed);
}

const struct desk_slot *desk_answer(struct desk *desk, uint32_t worker)
{
	const struct desk_ring *ring = &desk->rings[worker];

	if (atomic_load_explicit(&ring->answered, memory_order_acquire) == ring->taken) {
		return NULL;
	}
	return &ring->slots[ring->taken % DESK_SLOTS];
}

void desk_take(struct desk *desk, uint32_t worker)
{
	struct desk_ring *ring = &desk->rings[worker];

	atomic_store_explicit(&ring->taken, ring->taken + 1, memory_order_release);
}

const struct booking_offer *desk_offer(struct desk *desk, uint32_t worker)
{
	struct desk_offers *offers = &desk->offers[worker];

	if (atomic_load_explicit(&offers->published, memory_order_acquire) == offers->taken) {
		return NULL;
	}
	return &offers->slots[offers->taken % DESK_OFFERS];
}

void desk_take_offer(struct desk *desk, uint32_t worker)
{
	struct desk_offers *offers = &desk->offers[worker];

	atomic_store_explicit(&offers->taken, offers->taken + 1, memory_order_release);
}

bool desk_keep_unreleased(struct desk *desk, uint32_t worker, uint64_t session)
{
	struct desk_unreleased *list = &desk->unreleased[worker];
	uint32_t count = list->count;

	if (count == DESK_UNRELEASED) {
		return false;
	}
	list->sessions[count] = session;
	atomic_store_explicit(&list->count, count + 1, memory_order_release);
	return true;
}

uint64_t desk_unreleased(const struct desk *desk, uint32_t worker)
{
	const struct desk_unreleased *list = &desk->unreleased[worker];

	return list->count > 0 ? list->sessions[list->count - 1] : 0;
}

void desk_forget_unreleased(struct desk *desk, uint32_t worker)
{
	atomic_fetch_sub(&desk->unreleased[worker].count, 1);
}

bool desk_has_work_of(const struct desk *desk, uint32_t worker)
{
	const struct desk_ring *ring = &desk->rings[worker];

	return atomic_load_explicit(&ring->submitted, memory_order_acquire) !=
	       atomic_load_explicit(&ring->answered, memory_order_relaxed);
}

bool desk_has_work(const struct desk *desk)
{
	for (uint32_t worker = 0; worker < desk->workers; worker++) {
		if (desk_has_work_of(desk, worker)) {
			return true;
		}
	}
	return false;
}

static long futex(_Atomic uint32_t *word, int operation, uint32_t value,
		  const struct timespec *timeout)
{
	return syscall(SYS_futex, word, operation, value, timeout, NULL, 0);
}

void desk_wait(struct desk *desk, uint32_t worker, int64_t timeout_ns)
{
	struct desk_ring *ring = &desk->rings[worker];
	const struct timespec timeout = { timeout_ns / NS_PER_SECOND, timeout_ns % NS_PER_SECOND };
	uint32_t bell = atomic_load(&ring->bell);

	atomic_store(&ring->clerk_asleep, 1);
	/* A bell that rang before we read its number may have been for another's work. */
	bool work = desk->each_own ? desk_has_work_of(desk, worker) : desk_has_work(desk);

	if (!work || atomic_load(&desk->serving) != 0) {
		(void)futex(&ring->bell, FUTEX_WAIT, bell, &timeout);
	}
	atomic_store(&ring->clerk_asleep, 0);
}

void desk_ring_bell(struct desk *desk, uint32_t worker)
{
	struct desk_ring *ring = &desk->rings[worker];

	/* Only the clerk itself clears it: cleared here, a death before the wake would leave the
	 * clerk asleep, and nobody after would wake it. */
	atomic_fetch_add(&ring->bell, 1);
	if (atomic_load(&ring->clerk_asleep) != 0) {
		(void)futex(&ring->bell, FUTEX_WAKE, INT_MAX, NULL);
	}
}

void desk_bury(struct desk *desk, uint32_t worker)
{
	uint32_t dead = worker + 1;

	atomic_compare_exchange_strong(&desk->serving, &dead, 0);
	for (uint32_t i = 0; i < desk->workers; i++) {
		desk_ring_bell(desk, i);
	}
}
