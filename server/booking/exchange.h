/*
 * boxoffice_exchange: a worker's side of the queue: puts requests on it, takes answers, offers and
 * new positions from it, and gives each to its session.
 */
#ifndef SERVER_BOOKING_EXCHANGE_H
#define SERVER_BOOKING_EXCHANGE_H

#include <stdbool.h>

#include "db/booking/booking.h"
#include "server/process/worker.h"

/*
 * Puts a request on the queue; the clerk will answer SESSION, unless that is NULL. False if the
 * queue is full.
 */
bool boxoffice_put(struct worker *worker, const struct session *session,
		   const struct booking_request *request);

/*
 * Once a turn: takes the clerk's answers and offers from the queue and gives each to its session;
 * tells those who wait their new positions.
 */
void boxoffice_turn(struct worker *worker);

/* Whether there is any of that: asked once more before the loop sleeps. */
bool boxoffice_has_news(const struct worker *worker);

#endif
