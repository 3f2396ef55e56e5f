/*
 * booking_offer: what is free goes to who waits, in order; and what comes back is gathered for a
 * group that was passed over too often (waitlist.h).
 *
 * What is gathered is a hold like any other, tied to the group's connection, whose quantity grows:
 * so it does not count as left, not for another server on the store either, the audit adds up, and
 * it lapses with the connection, the worker or the server, and after BOOKING_GATHERING_SECONDS in
 * any case. Its code is told to nobody until there is enough: then it is the offer. What was free
 * before, or comes by growing, is nobody's; a group may have it to be complete, as anyone may.
 *
 * False when the store failed, where nothing else is said.
 */
#ifndef DB_BOOKING_OFFER_H
#define DB_BOOKING_OFFER_H

#include "db/booking/request.h"

/* Offers what is free to those who wait. */
bool booking_offer_what_is_free(const struct booking_context *context, struct store_event *event);

/* Takes a ticket off the stock that is sold or held, and gives it to those who wait. */
bool booking_offer_what_comes_back(const struct booking_context *context, struct store_event *event,
				   struct store_ticket *ticket, enum ticket_state state);

/* Takes a waiter off the list; what was gathered for it is free, and not offered yet. */
bool booking_offer_none_to(const struct booking_context *context, struct store_event *event,
			   struct waiter *waiter);

/* A newcomer took tickets that those who wait could not use. */
void booking_offer_note_newcomer(const struct booking_context *context,
				 const struct store_event *event);

/* Offers what is free of any event to who waits for it: what came back by another server's hand. */
bool booking_offer_all(const struct booking_context *context);

#endif
