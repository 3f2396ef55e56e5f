/*
 * booking: the rules of selling: one request carried out on a store, inside a transaction that the
 * caller began.
 *
 * The box office puts requests into its ring in shared memory; the clerk carries out one after the
 * other and commits them together. So a request and its answer are of fixed size and hold no
 * pointer. A request that is refused changes nothing; one that cannot be carried out since the
 * store failed says BOOKING_FAILED, and then the whole transaction is lost. Knows no clock and no
 * socket.
 *
 * A hold whose time is over is counted as such from that moment on, whether or not booking_lapse
 * has come to it: a request that meets one lapses it.
 */
#ifndef DB_BOOKING_BOOKING_H
#define DB_BOOKING_BOOKING_H

#include "db/booking/request.h"
#include "db/store/needs.h"

/*
 * Adds to NEEDS what carrying out REQUEST will ask the store for, as far as the request says it.
 * There is to be room for one more of each.
 */
void booking_foresee(const struct booking_context *context, const struct booking_request *request,
		     struct store_needs *needs);

/* Carries out REQUEST and writes what came of it to ANSWER. */
void booking_carry_out(const struct booking_context *context, const struct booking_request *request,
		       struct booking_answer *answer);

#endif
