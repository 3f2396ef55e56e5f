/*
 * boxoffice: a worker's side of the queue of bookings.
 *
 * What a session asks for goes on the queue; the clerk's answers, offers and new positions in the
 * row are taken from it, and each is given to its session's front. A request that waits for two
 * seconds, while nothing else is answered either and a program that is none of ours has the store,
 * is taken back and refused. What the end of a session gives
 * back (its tied holds, its place among those who wait) goes over the queue too, and must not be
 * lost, whatever fails or dies: a full queue, the store, this worker.
 */
#ifndef SERVER_BOOKING_BOXOFFICE_H
#define SERVER_BOOKING_BOXOFFICE_H

#include <stdbool.h>

#include "db/booking/booking.h"
#include "server/session/session.h"

void boxoffice_create(struct turn *turn);
void boxoffice_destroy(struct turn *turn);

/*
 * Puts a request on the queue, all its fields filled but the client's. OUTCOME_LATER: the front's
 * `answer` will be called. OUTCOME_AGAIN: the queue is full. OUTCOME_WAIT: what the session asked
 * for before has to be answered first.
 */
enum outcome boxoffice_submit(struct session *session, struct booking_request *request,
			      struct problem *problem);

/* Why a request was not done; false if it was. */
bool boxoffice_problem(const struct booking_request *request, const struct booking_answer *answer,
		       struct problem *problem);

/* What is left of an event, at once. */
enum outcome boxoffice_left(struct turn *turn, const char *name, struct stock_board_event *event,
			    struct problem *problem);

/*
 * Once a turn: takes answers, offers and new positions, and gives each to its session; and takes
 * back what waits for too long.
 */
void boxoffice_turn(struct turn *turn);

/* When a request will have waited for too long: monotonic, INT64_MAX while none is under way. */
int64_t boxoffice_due_ns(const struct turn *turn);

/* Whether there is any of that: asked once more before the loop sleeps. */
bool boxoffice_has_news(const struct turn *turn);

/* Whether nothing is asked for and not answered yet, and nothing is to be given back any more. */
bool boxoffice_is_idle(const struct turn *turn);

/*
 * A session ended: what is tied to it, and its place among those who wait, is given back. False if
 * the queue is full: try again next turn, and keep the seat until then.
 */
bool boxoffice_release(struct session *session);

/*
 * The same for SESSION, which an operator ended: its own worker will do it too, but may not move
 * just now. Twice does no harm.
 */
void boxoffice_release_ended(struct turn *turn, uint64_t session);

/*
 * At the start of a worker that goes on with its predecessor's sessions. For each of them: how many
 * of its requests are under way. When all are there: what the predecessor gave out last, and had no
 * time to take out of the queue, is taken out.
 */
void boxoffice_adopt(struct session *session);
void boxoffice_resume(struct turn *turn);

/* Then: what was being counted is counted again. */
void boxoffice_ask_again(struct turn *turn);

/* Before all that: whether the request over which the predecessor ended was asked of the clerk. */
bool boxoffice_was_asked(const struct turn *turn);

/* Then: what tied sessions that are gone held is given back. */
void boxoffice_sweep(struct turn *turn);

/*
 * A second passed: gives back once more what could not be given back since the store failed, also
 * what a predecessor could not.
 */
void boxoffice_tick(struct turn *turn);

#endif
