#include "db/booking/offer.h"

#include <string.h>

#include "db/booking/stock.h"
#include "shared/base/clock.h"

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
	code_make(store_code_key(context->store), ticket.number, offer->code);
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
	while (waiter && booking_stock_free(event) > 0) {
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
