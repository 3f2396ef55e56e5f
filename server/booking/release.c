#include "server/booking/release.h"

#include "server/booking/exchange.h"
#include "server/session/session.h"
#include "shared/base/clock.h"

static bool submit_release(struct worker *worker, uint64_t session)
{
	const struct booking_request request = { .verb = BOOKING_RELEASE,
						 .client = { .session = session } };

	return boxoffice_put(worker, NULL, &request);
}

static bool release(struct worker *worker, struct seat *seat)
{
	if (seat->has_ties && !submit_release(worker, seat->session)) {
		return false;
	}
	seat->has_ties = false;
	return true;
}

bool boxoffice_release(struct session *session)
{
	return !session->greeted || release(session->worker, session->seat);
}

void boxoffice_tick(struct worker *worker)
{
	struct booking_queue *queue = worker->shared->queue;
	uint64_t session;

	/* Forgotten only then: twice does no harm, never would. */
	while ((session = booking_queue_unreleased(queue, worker->number)) != 0 &&
	       submit_release(worker, session)) {
		booking_queue_forget_unreleased(queue, worker->number);
	}
}

void boxoffice_sweep(struct worker *worker)
{
	struct shared_state *shared = worker->shared;
	uint32_t orphan = 0;

	boxoffice_turn(worker); /* nobody is here to hear it */
	for (; directory_next_orphan(shared->directory, worker->number, &orphan); orphan++) {
		while (!release(worker,
				directory_seat(shared->directory, worker->number, orphan))) {
			booking_queue_call(shared->queue, worker->number);
			clock_sleep(NS_PER_MS);
			boxoffice_turn(worker);
		}
	}
}
