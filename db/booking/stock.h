/*
 * booking_stock: tickets and the counters of their event, which always change together; holds that
 * end, by their time or with the connection that they are tied to; and what is free, which goes to
 * who waits, in order (waitlist.h has the rule for groups).
 *
 * False when the store failed.
 */
#ifndef DB_BOOKING_STOCK_H
#define DB_BOOKING_STOCK_H

#include "db/booking/request.h"

/* Whether the request wants more tickets than one may have; then its answer says how many. */
bool booking_wants_too_many(const struct booking_work *work);

/* Neither sold nor held. */
int64_t booking_stock_free(const struct store_event *event);

/* Makes a ticket of EVENT, now; its number goes to TICKET. */
bool booking_stock_add(const struct booking_context *context, struct store_event *event,
		       struct store_ticket *ticket);

/* Takes a ticket to another state, and its event's counters with it. */
bool booking_stock_change(const struct booking_context *context, struct store_event *event,
			  struct store_ticket *ticket, enum ticket_state state);

/* Offers what is free to those who wait. */
bool booking_offer_what_is_free(const struct booking_context *context, struct store_event *event);

/* Takes a ticket off the stock that is sold or held, and gives it to those who wait. */
bool booking_offer_what_comes_back(const struct booking_context *context, struct store_event *event,
				   struct store_ticket *ticket, enum ticket_state state);

/* A newcomer took tickets that those who wait could not use. */
void booking_offer_note_newcomer(const struct booking_context *context,
				 const struct store_event *event);

/* Whether TICKET is held, and its time is over. */
bool booking_lapse_is_due(const struct booking_context *context, const struct store_ticket *ticket);

/* Lapses the holds that are tied to a connection from LEAST to MOST. */
bool booking_lapse_tied(const struct booking_context *context, uint64_t least, uint64_t most);

/*
 * Lapses holds whose time is over, MOST at most, and offers what comes back to who waits. Sets
 * NEXT_NS to the wall time at which the next one ends, INT64_MAX if nothing is held.
 */
bool booking_lapse(const struct booking_context *context, unsigned most, int64_t *next_ns);

/* Lapses every tied hold: at the start of a server that is alone on the store. */
bool booking_release_all(const struct booking_context *context);

/* Offers what is free of any event to who waits for it: what came back by another server's hand. */
bool booking_offer_all(const struct booking_context *context);

/* What is left of an event for who asks now: nothing while it is gathered for a group. */
int64_t booking_left(const struct booking_context *context, const struct store_event *event);

#endif
