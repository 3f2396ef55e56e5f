/*
 * booking_limit: what one may have: tickets a request, and what one address holds or waits for at a
 * time (claims.h), offers counted in. What is booked does not count, nor does what is gathered for
 * a group beside the place that it waits in.
 */
#ifndef DB_BOOKING_LIMIT_H
#define DB_BOOKING_LIMIT_H

#include "db/booking/request.h"

/* Whether the request wants more tickets than one may; then its answer says how many. */
bool booking_wants_too_many(const struct booking_work *work);

/*
 * Whether the client's address may hold or wait for MORE tickets: BOOKING_DONE. BOOKING_HAS_ENOUGH:
 * the answer says how many it may, and has. BOOKING_FULL: no more can be noted, whosever.
 */
enum booking_outcome booking_limit_ask(const struct booking_work *work, int64_t more);

/* It does: a hold, or a place in the waiting list. */
void booking_limit_note_hold(const struct booking_context *context, struct booking_owner owner,
			     const struct store_ticket *ticket);
void booking_limit_note_waiter(const struct booking_context *context, const struct waiter *waiter);

/* At a batch's begin: makes room for what is to be noted. */
void booking_limit_tidy(const struct booking_context *context);

#endif
