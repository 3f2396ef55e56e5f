/*
 * booking_stock: tickets and the counters of their event, which always change together.
 *
 * False when the store failed.
 */
#ifndef DB_BOOKING_STOCK_H
#define DB_BOOKING_STOCK_H

#include "db/booking/booking.h"

/* Neither sold nor held. */
int64_t booking_stock_free(const struct store_event *event);

/* Makes a ticket of EVENT, now; its number goes to TICKET. */
bool booking_stock_add(const struct booking_context *context, struct store_event *event,
		       struct store_ticket *ticket);

/* Takes a ticket to another state, and its event's counters with it. */
bool booking_stock_change(const struct booking_context *context, struct store_event *event,
			  struct store_ticket *ticket, enum ticket_state state);

#endif
