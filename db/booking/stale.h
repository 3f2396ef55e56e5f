/*
 * booking_stale: a purchase as it goes wrong without a lock: a buyer reads what is left, thinks,
 * and writes back what follows from it, whatever others wrote since.
 *
 * For those who show it on purpose: `turnstiled --serialize none` and `turnstile race`. Reading and
 * writing are short transactions of their own, each under the store's lock, so that the file does
 * not break. False when the store failed, or its lock could not be had.
 */
#ifndef DB_BOOKING_STALE_H
#define DB_BOOKING_STALE_H

#include "db/booking/booking.h"

/* Takes the lock and begins a transaction; ends both, and keeps what was done if KEEP. */
bool booking_stale_begin(struct store *store);
bool booking_stale_end(struct store *store, bool keep);

/* Reads the event of that name, in a transaction of its own; false, too, when there is none. */
bool booking_stale_read(struct store *store, const char *event, struct store_event *seen);

/*
 * Within a transaction: carries out REQUEST on what was SEEN a while ago (NULL: on what is there).
 * What is held is as it is: or holds could not be told from what was sold twice.
 */
void booking_stale_carry_out(const struct booking_context *context, const struct store_event *seen,
			     const struct booking_request *request, struct booking_answer *answer);

#endif
