#include "db/booking/waiting.h"

#include <string.h>

#include "db/booking/stock.h"
#include "db/store/tickets.h"

enum booking_outcome booking_waiting_begin(struct booking_work *work)
{
	const struct booking_request *request = work->request;
	struct waitlist *list = work->context->waitlist;
	struct waiter wanted = { .event = work->event->number,
				 .quantity = request->quantity,
				 .client = request->client };
	struct waiter *waiter;

	if (booking_wants_too_many(work)) {
		return BOOKING_TOO_MANY;
	}
	if (!work->event->open) {
		return BOOKING_CLOSED;
	}
	if (request->quantity < 1 || request->quantity > work->event->total || !list) {
		return BOOKING_LIMIT;
	}
	waiter = waitlist_find(list, request->client.session, work->event->number);
	if (waiter && waiter->quantity != request->quantity) {
		waitlist_remove(list, waiter); /* who wants another number queues anew */
		waiter = NULL;
	}
	if (!waiter) {
		memcpy(wanted.event_name, work->event->name, sizeof(wanted.event_name));
		waiter = waitlist_add(list, &wanted);
	}
	if (!waiter) {
		return BOOKING_FULL;
	}
	work->answer->position = waitlist_position(list, waiter);
	waiter->told = work->answer->position;
	return booking_offer_what_is_free(work->context, work->event) ? BOOKING_DONE
								      : BOOKING_FAILED;
}

/* Who leaves the list makes room for the next; what was gathered for it is free again. */
static bool leave_list(const struct booking_context *context, uint64_t session)
{
	struct store_event *event;
	int64_t number;

	while (context->waitlist && waitlist_take(context->waitlist, session, &number)) {
		if (store_event_get(context->store, number, &event) != STORE_OK) {
			return false;
		}
		store_event_change(context->store, event);
		if (!booking_offer_what_is_free(context, event)) {
			return false;
		}
	}
	return true;
}

enum booking_outcome booking_waiting_release(struct booking_work *work)
{
	uint64_t session = work->request->client.session;
	bool good = leave_list(work->context, session) &&
		    booking_lapse_tied(work->context, session, session);

	return good ? BOOKING_DONE : BOOKING_FAILED;
}
