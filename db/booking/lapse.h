/*
 * booking_lapse: holds that end, by their time or with the connection that they are tied to. What
 * they held goes to who waits.
 *
 * False when the store failed.
 */
#ifndef DB_BOOKING_LAPSE_H
#define DB_BOOKING_LAPSE_H

#include "db/booking/request.h"

/* If TICKET is held, and its time is over, it lapses. */
bool booking_lapse_if_due(const struct booking_context *context, struct store_event *event,
			  struct store_ticket *ticket);

/* Lapses the holds that are tied to a connection. */
bool booking_lapse_tied(const struct booking_context *context, uint64_t session);

/*
 * Lapses holds whose time is over, MOST at most, and offers what comes back to who waits. Sets
 * NEXT_NS to the wall time at which the next one ends, INT64_MAX if nothing is held.
 */
bool booking_lapse(const struct booking_context *context, unsigned most, int64_t *next_ns);

/*
 * Lapses what is tied to connections of servers that do not serve the store any more, and takes
 * them off the waiting list.
 */
bool booking_lapse_gone(const struct booking_context *context);

/* Lapses every tied hold: at the start of a server that is alone on the store. */
bool booking_release_all(const struct booking_context *context);

#endif
