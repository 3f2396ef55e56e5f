/*
 * booking_offer: who waits gets what is free, in order; see waitlist.h for groups.
 *
 * False when the store failed.
 */
#ifndef DB_BOOKING_OFFER_H
#define DB_BOOKING_OFFER_H

#include "db/booking/booking.h"

/* Offers what is free to those who wait. */
bool booking_offer_what_is_free(const struct booking_context *context, struct store_event *event);

/* Takes a ticket off the stock that is sold or held, and gives it to those who wait. */
bool booking_offer_what_comes_back(const struct booking_context *context, struct store_event *event,
				   struct store_ticket *ticket, enum ticket_state state);

/* A newcomer took tickets that those who wait could not use. */
void booking_offer_note_newcomer(const struct booking_context *context,
				 const struct store_event *event);

#endif
