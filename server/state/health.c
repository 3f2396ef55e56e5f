#include "server/state/health.h"

#include <stdio.h>

#include "shared/base/clock.h"

#define FAILURE_NS (10 * NS_PER_SECOND) /* a failure that is older has to be tried again */
#define WAIT_NS    (5 * NS_PER_SECOND)  /* no booking waits for so long if all is well */

static bool some_worker_serves(const struct scoreboard *scoreboard)
{
	for (unsigned i = 0; i < scoreboard->workers; i++) {
		if (scoreboard->scores[i].state == WORKER_SERVING) {
			return true;
		}
	}
	return false;
}

/* Since when the oldest request waits that nobody answered; INT64_MAX when none does. */
static int64_t oldest_ns(const struct booking_queue *queue)
{
	int64_t oldest = INT64_MAX;

	for (uint32_t i = 0; i < queue->workers; i++) {
		const struct booking_ring *ring = &queue->rings[i];
		uint64_t next = atomic_load(&ring->answered);

		if (next < atomic_load(&ring->submitted)) {
			int64_t asked_ns = ring->slots[next % BOOKING_QUEUE_SLOTS].asked_ns;

			oldest = asked_ns < oldest ? asked_ns : oldest;
		}
	}
	return oldest;
}

bool health_is_good(const struct shared_state *shared, int64_t now_ns, char *why)
{
	int64_t failed_ns = atomic_load(&shared->queue->failed_ns);
	int64_t waits_since_ns = oldest_ns(shared->queue);

	if (!some_worker_serves(shared->scoreboard)) {
		(void)snprintf(why, HEALTH_TEXT_SIZE, "the server stops");
		return false;
	}
	if (shared->queue->awaited) {
		(void)snprintf(why, HEALTH_TEXT_SIZE,
			       "the database was not there yet; the log says more");
		return false;
	}
	if (failed_ns != 0 && now_ns - failed_ns < FAILURE_NS) {
		(void)snprintf(why, HEALTH_TEXT_SIZE, "the store failed; the log says why");
		return false;
	}
	if (waits_since_ns < now_ns - WAIT_NS) {
		(void)snprintf(why, HEALTH_TEXT_SIZE, "bookings wait for %lld seconds",
			       (long long)((now_ns - waits_since_ns) / NS_PER_SECOND));
		return false;
	}
	return true;
}
