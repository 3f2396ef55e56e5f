#include "db/booking/offer.h"

#include <string.h>

#include "db/booking/limit.h"
#include "db/booking/stock.h"
#include "db/store/tickets.h"
#include "shared/base/clock.h"

/* Gathering */

/* The group that tickets of an event are gathered for, and the hold of what there is so far. */
struct gathering {
	struct waiter *group;       /* NULL: there is none */
	struct store_ticket ticket; /* its quantity is 0 while nothing came back yet */
};

/*
 * The hold of what is gathered; all zero if it is not there any more: another server has seen to
 * its end, or the store was exchanged.
 */
static bool read_gathered(const struct booking_context *context, int64_t number,
			  struct store_ticket *ticket)
{
	enum store_result result = store_ticket_get(context->store, number, ticket);

	if (result == STORE_NONE || (result == STORE_OK && ticket->state != TICKET_HELD)) {
		*ticket = (struct store_ticket){ .quantity = 0 };
	}
	return result != STORE_FAILED;
}

static bool give_back(const struct booking_context *context, struct store_event *event,
		      int64_t gathered)
{
	struct store_ticket ticket;

	if (!read_gathered(context, gathered, &ticket)) {
		return false;
	}
	return ticket.quantity == 0 ||
	       booking_stock_change(context, event, &ticket, TICKET_EXPIRED);
}

/* That was long enough: it may be passed over as often again, and it is the next group's turn. */
static bool end_gathering(const struct booking_context *context, struct store_event *event,
			  struct gathering *gathering)
{
	int64_t gathered = gathering->group->gathered;

	waitlist_end_gathering(context->waitlist, gathering->group);
	*gathering =
		(struct gathering){ .group = waitlist_group(context->waitlist, event->number) };
	return give_back(context, event, gathered);
}

static bool find_gathering(const struct booking_context *context, struct store_event *event,
			   struct gathering *gathering)
{
	struct store_ticket *ticket = &gathering->ticket;

	*gathering =
		(struct gathering){ .group = waitlist_group(context->waitlist, event->number) };
	if (!gathering->group || gathering->group->gathered == 0) {
		return true;
	}
	if (!read_gathered(context, gathering->group->gathered, ticket)) {
		return false;
	}
	return (ticket->quantity > 0 && !booking_is_over(context, ticket)) ||
	       end_gathering(context, event, gathering);
}

/* A new hold of QUANTITY tickets that is tied to a waiter's connection. */
static bool hold_for(const struct booking_context *context, struct store_event *event,
		     const struct waiter *waiter, int64_t quantity, int64_t seconds,
		     struct store_ticket *ticket)
{
	*ticket = (struct store_ticket){ .quantity = quantity,
					 .state = TICKET_HELD,
					 .kind = TICKET_BY_OFFER,
					 .expires_ns = context->wall_ns + seconds * NS_PER_SECOND,
					 .tied = waiter->client.session };
	return booking_stock_add(context, event, ticket);
}

static bool begin_gathering(const struct booking_context *context, struct store_event *event,
			    struct waiter *group, int64_t quantity)
{
	struct store_ticket ticket;

	if (!store_has_room(context->store)) {
		return true;
	}
	if (!hold_for(context, event, group, quantity, BOOKING_GATHERING_SECONDS, &ticket)) {
		return false;
	}
	waitlist_begin_gathering(context->waitlist, group, ticket.number);
	return true;
}

/* Of QUANTITY tickets that came back, those that the group still needs are held for it. */
static bool gather(const struct booking_context *context, struct store_event *event,
		   int64_t quantity)
{
	struct gathering gathering;

	if (!find_gathering(context, event, &gathering)) {
		return false;
	}
	if (!gathering.group) {
		return true;
	}
	struct store_ticket *ticket = &gathering.ticket;
	int64_t needed = gathering.group->quantity - ticket->quantity;
	int64_t more = quantity < needed ? quantity : needed;

	return ticket->quantity == 0
		       ? begin_gathering(context, event, gathering.group, more)
		       : booking_stock_enlarge(context, event, ticket, more, ticket->expires_ns);
}

/* Offers */

/* How many WAITER could have. */
static int64_t available_to(const struct store_event *event, const struct gathering *gathering,
			    const struct waiter *waiter)
{
	int64_t gathered = waiter == gathering->group ? gathering->ticket.quantity : 0;

	return booking_stock_free(event) + gathered;
}

/* Holds what the waiter wants: what is gathered for it, and more. */
static bool hold_wanted(const struct booking_context *context, struct store_event *event,
			struct gathering *gathering, const struct waiter *waiter,
			struct store_ticket *ticket)
{
	if (waiter != gathering->group || gathering->ticket.quantity == 0) {
		return hold_for(context, event, waiter, waiter->quantity, BOOKING_HOLD_SECONDS,
				ticket);
	}
	*ticket = gathering->ticket;
	*gathering = (struct gathering){ .group = NULL };
	return booking_stock_enlarge(context, event, ticket, waiter->quantity - ticket->quantity,
				     context->wall_ns + BOOKING_HOLD_SECONDS * NS_PER_SECOND);
}

static bool make_offer(const struct booking_context *context, struct store_event *event,
		       struct gathering *gathering, struct waiter *waiter,
		       struct booking_offer *offer)
{
	struct store_ticket ticket;

	if (!hold_wanted(context, event, gathering, waiter, &ticket)) {
		return false;
	}
	booking_limit_note_hold(context, waiter->client.owner, &ticket);
	waiter->gathered = ticket.number; /* its own machine has to tell it */
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

/* Whether there is anything for anybody: nothing free, and a group for which there is not enough
 * yet, is nothing. */
static bool has_something(const struct booking_context *context, const struct store_event *event,
			  const struct gathering *gathering)
{
	bool complete =
		gathering->group && gathering->group->quantity == gathering->ticket.quantity;

	return complete || (booking_stock_free(event) > 0 && store_has_room(context->store));
}

static bool serve_in_order(const struct booking_context *context, struct store_event *event,
			   struct gathering *gathering)
{
	struct waitlist *list = context->waitlist;
	struct waiter *waiter = waitlist_first(list, event->number);

	while (waiter && has_something(context, event, gathering)) {
		struct waiter *next = waitlist_next(list, waiter);

		if (waiter->quantity <= available_to(event, gathering, waiter)) {
			struct booking_offer elsewhere = { .quantity = 0 }; /* the store tells it */
			struct booking_offer *offer =
				waiter_is_here(waiter)
					? context->offer(context->context, waiter->client.worker)
					: &elsewhere;

			if (!offer) {
				return true; /* too many are under way: with the next change */
			}
			if (!make_offer(context, event, gathering, waiter, offer)) {
				return false;
			}
			note_passed(list, event->number, next);
		}
		waiter = next;
	}
	return true;
}

/* Whether somebody may be offered something. */
static bool has_takers(const struct booking_context *context, const struct store_event *event)
{
	return context->waitlist && context->waitlist->count > 0 && event->open;
}

bool booking_offer_what_is_free(const struct booking_context *context, struct store_event *event)
{
	struct gathering gathering;

	return !has_takers(context, event) || (find_gathering(context, event, &gathering) &&
					       serve_in_order(context, event, &gathering));
}

/* Ends the gathering that TICKET holds the tickets of; false if it is another ticket. */
static bool was_gathered(struct waitlist *list, const struct store_ticket *ticket)
{
	struct waiter *group = waitlist_group(list, ticket->event);

	if (!group || group->gathered != ticket->number) {
		return false;
	}
	waitlist_end_gathering(list, group);
	return true;
}

/* What was gathered is free at its end: nothing is kept from all others for longer. */
bool booking_offer_what_comes_back(const struct booking_context *context, struct store_event *event,
				   struct store_ticket *ticket, enum ticket_state state)
{
	if (!booking_stock_change(context, event, ticket, state)) {
		return false;
	}
	return !has_takers(context, event) || ((was_gathered(context->waitlist, ticket) ||
						gather(context, event, ticket->quantity)) &&
					       booking_offer_what_is_free(context, event));
}

bool booking_offer_none_to(const struct booking_context *context, struct store_event *event,
			   struct waiter *waiter)
{
	int64_t gathered = waiter->gathered;

	waitlist_remove(context->waitlist, waiter);
	return gathered == 0 || give_back(context, event, gathered);
}

void booking_offer_note_newcomer(const struct booking_context *context,
				 const struct store_event *event)
{
	if (context->waitlist && context->waitlist->count > 0) {
		note_passed(context->waitlist, event->number, NULL);
	}
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
