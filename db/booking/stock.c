#include "db/booking/stock.h"

#include <string.h>

#include "db/store/tickets.h"
#include "shared/base/clock.h"

bool booking_wants_too_many(const struct booking_work *work)
{
	work->answer->limit = work->context->limits.quantity;
	return work->answer->limit > 0 && work->request->quantity > work->answer->limit;
}

int64_t booking_stock_free(const struct store_event *event)
{
	return event->total - event->sold - event->held;
}

static int64_t *counter_of(struct store_event *event, enum ticket_state state)
{
	switch (state) {
	case TICKET_BOOKED:
	case TICKET_ADMITTED: return &event->sold;
	case TICKET_HELD: return &event->held;
	case TICKET_CANCELLED:
	case TICKET_EXPIRED: break;
	}
	return NULL;
}

bool booking_stock_change(const struct booking_context *context, struct store_event *event,
			  struct store_ticket *ticket, enum ticket_state state)
{
	int64_t *from = counter_of(event, ticket->state);
	int64_t *to = counter_of(event, state);

	ticket->state = state;
	ticket->expires_ns = 0;
	if (store_ticket_change(context->store, ticket) != STORE_OK) {
		return false;
	}
	if (from != to) {
		store_event_change(context->store, event);
		*(from ? from : &(int64_t){ 0 }) -= ticket->quantity;
		*(to ? to : &(int64_t){ 0 }) += ticket->quantity;
	}
	return true;
}

bool booking_stock_add(const struct booking_context *context, struct store_event *event,
		       struct store_ticket *ticket)
{
	ticket->event = event->number;
	ticket->made_ns = context->wall_ns;
	ticket->salt = store_ticket_salt(context->store);
	if (store_ticket_add(context->store, ticket) != STORE_OK) {
		return false;
	}
	*counter_of(event, ticket->state) += ticket->quantity;
	store_event_change(context->store, event);
	return true;
}

/* Who waits gets what is free */

int64_t booking_left(const struct booking_context *context, const struct store_event *event)
{
	bool gathers = context->waitlist && waitlist_gathers(context->waitlist, event->number);

	return gathers ? 0 : booking_stock_free(event);
}

/* Holds what the waiter wants and writes an offer of it to OFFER. */
static bool make_offer(const struct booking_context *context, struct store_event *event,
		       struct waiter *waiter, struct booking_offer *offer)
{
	struct store_ticket ticket = { .quantity = waiter->quantity,
				       .state = TICKET_HELD,
				       .kind = TICKET_BY_OFFER,
				       .expires_ns = context->wall_ns +
						     BOOKING_HOLD_SECONDS * NS_PER_SECOND,
				       .tied = waiter->client.session };

	if (!booking_stock_add(context, event, &ticket)) {
		return false;
	}
	offer->client = waiter->client;
	offer->quantity = waiter->quantity;
	offer->seconds = BOOKING_HOLD_SECONDS;
	memcpy(offer->event, event->name, sizeof(offer->event));
	code_make(store_code_key(context->store), ticket.number, ticket.salt, offer->code);
	atomic_store(&waiter->state, WAITER_OFFERED);
	context->waitlist->batch = true;
	context->waitlist->changed = true;
	return true;
}

/* Everyone before LAST (all, if it is NULL) was passed over once. */
static void note_passed(struct waitlist *list, int64_t event, const struct waiter *last)
{
	for (struct waiter *waiter = waitlist_first(list, event); waiter && waiter != last;
	     waiter = waitlist_next(list, waiter)) {
		waitlist_pass_over(list, waiter);
	}
}

bool booking_offer_what_is_free(const struct booking_context *context, struct store_event *event)
{
	struct waitlist *list = context->waitlist;
	struct waiter *waiter;

	if (!list || list->count == 0 || !event->open) {
		return true;
	}
	waiter = waitlist_first(list, event->number);
	while (waiter && booking_stock_free(event) > 0 && store_has_room(context->store)) {
		struct waiter *next = waitlist_next(list, waiter);

		if (waiter->quantity <= booking_stock_free(event)) {
			struct booking_offer *offer =
				context->offer(context->context, waiter->client.worker);

			if (!offer) {
				return true; /* too many are under way: with the next change */
			}
			if (!make_offer(context, event, waiter, offer)) {
				return false;
			}
			note_passed(list, event->number, next);
		} else if (waiter->passed >= WAITLIST_PASSES_MAX) {
			return true; /* what is free is gathered for this one */
		}
		waiter = next;
	}
	return true;
}

void booking_offer_note_newcomer(const struct booking_context *context,
				 const struct store_event *event)
{
	if (context->waitlist && context->waitlist->count > 0) {
		note_passed(context->waitlist, event->number, NULL);
	}
}

bool booking_offer_what_comes_back(const struct booking_context *context, struct store_event *event,
				   struct store_ticket *ticket, enum ticket_state state)
{
	return booking_stock_change(context, event, ticket, state) &&
	       booking_offer_what_is_free(context, event);
}

bool booking_offer_all(const struct booking_context *context)
{
	struct store_event *event;
	int64_t number = 0;

	while (context->waitlist &&
	       (number = waitlist_event_after(context->waitlist, number)) > 0) {
		if (store_event_get(context->store, number, &event) != STORE_OK ||
		    !booking_offer_what_is_free(context, event)) {
			return false;
		}
	}
	return true;
}

/* Holds that end */

bool booking_lapse_is_due(const struct booking_context *context, const struct store_ticket *ticket)
{
	return ticket->state == TICKET_HELD && ticket->expires_ns <= context->wall_ns;
}

bool booking_lapse_tied(const struct booking_context *context, uint64_t least, uint64_t most)
{
	struct store_ticket ticket;
	struct store_event *event;
	enum store_result result;

	while ((result = store_ticket_tied(context->store, least, most, &ticket)) == STORE_OK) {
		if (store_event_get(context->store, ticket.event, &event) != STORE_OK ||
		    !booking_offer_what_comes_back(context, event, &ticket, TICKET_EXPIRED)) {
			return false;
		}
	}
	return result == STORE_NONE;
}

bool booking_release_all(const struct booking_context *context)
{
	return booking_lapse_tied(context, 1, INT64_MAX);
}

bool booking_lapse(const struct booking_context *context, unsigned most, int64_t *next_ns)
{
	struct store_ticket ticket;
	struct store_event *event;
	enum store_result result;

	while ((result = store_ticket_next_expiry(context->store, &ticket)) == STORE_OK) {
		*next_ns = ticket.expires_ns;
		if (most-- == 0 || !booking_lapse_is_due(context, &ticket)) {
			return true;
		}
		if (store_event_get(context->store, ticket.event, &event) != STORE_OK ||
		    !booking_offer_what_comes_back(context, event, &ticket, TICKET_EXPIRED)) {
			return false;
		}
	}
	*next_ns = INT64_MAX;
	return result == STORE_NONE;
}
