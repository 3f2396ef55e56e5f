/*
 * booking_stock: tickets and the counters of their event, which always change together.
 *
 * False when the store failed, where nothing else is said.
 */
#ifndef DB_BOOKING_STOCK_H
#define DB_BOOKING_STOCK_H

#include "db/booking/request.h"

/* Whether TICKET is held, and its time is over. */
bool booking_is_over(const struct booking_context *context, const struct store_ticket *ticket);

/* Neither sold nor held: what is left for who asks now. */
int64_t booking_stock_free(const struct store_event *event);

/* Makes a ticket of EVENT, now; its number goes to TICKET. */
bool booking_stock_add(const struct booking_context *context, struct store_event *event,
		       struct store_ticket *ticket);

/* Takes a ticket to another state, and its event's counters with it. */
bool booking_stock_change(const struct booking_context *context, struct store_event *event,
			  struct store_ticket *ticket, enum ticket_state state);

/* A hold is of so many more, and ends then. */
bool booking_stock_enlarge(const struct booking_context *context, struct store_event *event,
			   struct store_ticket *ticket, int64_t more, int64_t expires_ns);

#endif
