#include "db/booking/limit.h"

#include <string.h>

#include "db/booking/stock.h"
#include "db/store/tickets.h"

bool booking_wants_too_many(const struct booking_work *work)
{
	work->answer->limit = work->context->limits.quantity;
	return work->answer->limit > 0 && work->request->quantity > work->answer->limit;
}

/* Whether what OWNER has counts. */
static bool counts(const struct booking_context *context, struct booking_owner owner)
{
	static const struct booking_owner nobody;

	return context->claims && context->limits.held > 0 &&
	       memcmp(owner.bytes, nobody.bytes, sizeof(owner.bytes)) != 0;
}

/* Another machine may have given the number of one that was given up to somebody else. */
static bool is_its_place(const struct waitlist *list, const struct claim *claim)
{
	const struct waiter *waiter = &list->waiters[claim->waiter];

	return waitlist_has(list, claim->waiter, (uint64_t)claim->mark) &&
	       memcmp(waiter->client.owner.bytes, claim->owner.bytes, sizeof(claim->owner.bytes)) ==
		       0;
}

/* A store that fails says so to who goes on with it: the claim stays. */
static bool stands(const void *of, const struct claim *claim)
{
	const struct booking_context *context = of;
	struct store_ticket ticket;

	if (claim->ticket == 0) {
		return is_its_place(context->waitlist, claim);
	}
	switch (store_ticket_get(context->store, claim->ticket, &ticket)) {
	case STORE_OK:
		return ticket.state == TICKET_HELD && ticket.salt == claim->mark &&
		       !booking_is_over(context, &ticket);
	case STORE_NONE: return false;
	case STORE_FAILED: break;
	}
	return true;
}

enum booking_outcome booking_limit_ask(const struct booking_work *work, int64_t more)
{
	const struct booking_context *context = work->context;
	const struct booking_owner owner = work->request->client.owner;
	int64_t has;

	if (!counts(context, owner)) {
		return BOOKING_DONE;
	}
	has = claims_sum(context->claims, owner);
	if (has + more > context->limits.held) {
		claims_drop(context->claims, owner, stands, context);
		has = claims_sum(context->claims, owner);
	}
	if (has + more > context->limits.held) {
		work->answer->limit = context->limits.held;
		work->answer->has = has;
		return BOOKING_HAS_ENOUGH;
	}
	return claims_have_room(context->claims) ? BOOKING_DONE : BOOKING_FULL;
}

/* An offer for which there is no room is not counted: who waits was asked before. */
static void note(const struct booking_context *context, const struct claim *claim)
{
	if (counts(context, claim->owner)) {
		(void)claims_add(context->claims, claim);
	}
}

void booking_limit_note_hold(const struct booking_context *context, struct booking_owner owner,
			     const struct store_ticket *ticket)
{
	note(context, &(struct claim){ .owner = owner,
				       .quantity = ticket->quantity,
				       .ticket = ticket->number,
				       .mark = ticket->salt });
}

void booking_limit_note_waiter(const struct booking_context *context, const struct waiter *waiter)
{
	note(context, &(struct claim){ .owner = waiter->client.owner,
				       .quantity = waiter->quantity,
				       .waiter = waitlist_place(context->waitlist, waiter),
				       .mark = (int64_t)waiter->order });
}

void booking_limit_tidy(const struct booking_context *context)
{
	if (context->claims && context->limits.held > 0) {
		claims_tidy(context->claims, stands, context);
	}
}
