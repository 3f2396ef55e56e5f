#include "db/booking/waiting.h"

#include <string.h>

#include "db/booking/lapse.h"
#include "db/booking/limit.h"
#include "db/booking/offer.h"
#include "db/booking/stock.h"
#include "db/store/tickets.h"

/* Why there is no place for it; what WAITER (or NULL) waits for so far does not count. */
static enum booking_outcome may_queue_up(const struct booking_work *work,
					 const struct waiter *waiter)
{
	int64_t more = work->request->quantity - (waiter ? waiter->quantity : 0);

	return waitlist_has_room(work->context->waitlist) ? booking_limit_ask(work, more)
							  : BOOKING_FULL;
}

/* A place at the end of the list; one WAITER that it has so far (or NULL) is given up. */
static bool queue_up(struct booking_work *work, struct waiter **waiter)
{
	struct waiter wanted = { .event = work->event->number,
				 .quantity = work->request->quantity,
				 .client = work->request->client };

	if (*waiter && !booking_offer_none_to(work->context, work->event, *waiter)) {
		return false;
	}
	memcpy(wanted.event_name, work->event->name, sizeof(wanted.event_name));
	*waiter = waitlist_add(work->context->waitlist, &wanted);
	booking_limit_note_waiter(work->context, *waiter);
	return true;
}

/* Who waits already keeps its place; who wants another number queues anew. */
static enum booking_outcome wait_in_order(struct booking_work *work)
{
	struct waitlist *list = work->context->waitlist;
	struct waiter *waiter =
		waitlist_find(list, work->request->client.session, work->event->number);

	if (!waiter || waiter->quantity != work->request->quantity) {
		enum booking_outcome outcome = may_queue_up(work, waiter);

		if (outcome != BOOKING_DONE) {
			return outcome;
		}
		if (!queue_up(work, &waiter)) {
			return BOOKING_FAILED;
		}
	}
	waiter->client = work->request->client; /* of one that was lost sight of, and asks again */
	work->answer->position = waitlist_position(list, waiter);
	waiter->told = work->answer->position;
	return booking_offer_what_is_free(work->context, work->event) ? BOOKING_DONE
								      : BOOKING_FAILED;
}

enum booking_outcome booking_waiting_begin(struct booking_work *work)
{
	const struct booking_request *request = work->request;

	if (booking_wants_too_many(work)) {
		return BOOKING_TOO_MANY;
	}
	if (!work->event->open) {
		return BOOKING_CLOSED;
	}
	if (request->quantity < 1 || request->quantity > work->event->total ||
	    !work->context->waitlist) {
		return BOOKING_LIMIT;
	}
	return wait_in_order(work);
}

/* Who leaves the list makes room for the next; what was gathered for it is free again. */
static bool leave_list(const struct booking_context *context, uint64_t session)
{
	struct store_event *event;
	struct waiter *waiter;

	while (context->waitlist && (waiter = waitlist_any_of(context->waitlist, session))) {
		if (store_event_get(context->store, waiter->event, &event) != STORE_OK ||
		    !booking_offer_none_to(context, event, waiter) ||
		    !booking_offer_what_is_free(context, event)) {
			return false;
		}
	}
	return true;
}

enum booking_outcome booking_waiting_release(struct booking_work *work)
{
	uint64_t session = work->request->client.session;
	bool good =
		leave_list(work->context, session) && booking_lapse_tied(work->context, session);

	return good ? BOOKING_DONE : BOOKING_FAILED;
}
