/*
 * booking_lapse: holds that end: by their time, or with the connection that they are tied to.
 */
#ifndef DB_BOOKING_LAPSE_H
#define DB_BOOKING_LAPSE_H

#include "db/booking/booking.h"

/* Whether TICKET is held, and its time is over. */
bool booking_lapse_is_due(const struct booking_context *context, const struct store_ticket *ticket);

/* Lapses the holds that are tied to a connection from LEAST to MOST. False when the store failed.
 */
bool booking_lapse_tied(const struct booking_context *context, uint64_t least, uint64_t most);

#endif
