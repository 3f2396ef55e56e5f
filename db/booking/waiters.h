/*
 * booking_waiters: the waiting list of a server that shares its store with other machines, kept in
 * step with the store's row of people (db/store/waiters.h).
 *
 * At a batch's begin what others did is taken over: who came is behind those who were there, who
 * left is gone. One of ours that another machine offered something is told, once; one that others
 * took off, since this machine was not heard of for too long, queues anew if it is still here. At
 * the end what the batch did is written with it. So the list lags behind the row between two
 * batches, and never within one.
 *
 * With a store that keeps nobody who waits nothing is done. False when the store failed.
 */
#ifndef DB_BOOKING_WAITERS_H
#define DB_BOOKING_WAITERS_H

#include "db/booking/request.h"
#include "db/store/needs.h"

/* Adds to NEEDS the row; and with ALL the events that somebody waits for, to offer what is free. */
void booking_waiters_foresee(const struct booking_context *context, bool all,
			     struct store_needs *needs);

/* And the events that SESSION waits for. */
void booking_waiters_foresee_end(const struct booking_context *context, uint64_t session,
				 struct store_needs *needs);

bool booking_waiters_read(const struct booking_context *context);
bool booking_waiters_write(const struct booking_context *context);

/* Takes those off the list whose server is gone. What was gathered for them is free. */
bool booking_waiters_leave_gone(const struct booking_context *context);

#endif
