/*
 * boxoffice: the commands that sell: checks the arguments, puts the request on the desk, and turns
 * the clerk's answers into replies.
 *
 * /events and /left are answered from the board at once. Everything that changes the store goes
 * over the desk, and is answered when it is durable.
 */
#ifndef SERVER_BOXOFFICE_H
#define SERVER_BOXOFFICE_H

#include "server/command.h"

enum outcome boxoffice_events(struct session *session, struct span arguments, struct reply *reply);
enum outcome boxoffice_left(struct session *session, struct span arguments, struct reply *reply);
enum outcome boxoffice_book(struct session *session, struct span arguments, struct reply *reply);
enum outcome boxoffice_hold(struct session *session, struct span arguments, struct reply *reply);
enum outcome boxoffice_confirm(struct session *session, struct span arguments, struct reply *reply);
enum outcome boxoffice_cancel(struct session *session, struct span arguments, struct reply *reply);
enum outcome boxoffice_ticket(struct session *session, struct span arguments, struct reply *reply);
enum outcome boxoffice_admit(struct session *session, struct span arguments, struct reply *reply);
enum outcome boxoffice_wait(struct session *session, struct span arguments, struct reply *reply);
enum outcome boxoffice_audit(struct session *session, struct span arguments, struct reply *reply);
enum outcome boxoffice_event(struct session *session, struct span arguments, struct reply *reply);

/*
 * A session ends: what is tied to it, and its place among those who wait, is given back. False if
 * the desk is full: try again next turn, and keep the seat until then.
 */
bool boxoffice_release(struct session *session);

/* At a worker's start, with its clerk at work: the same for the sessions of its predecessor. */
void boxoffice_sweep(struct worker *worker);

/*
 * A second passed: gives back once more what could not be given back since the store failed, also
 * what a predecessor could not.
 */
void boxoffice_tick(struct worker *worker);

/*
 * Once a turn: takes the clerk's answers and offers from the desk and gives each to its session;
 * tells those who wait their new positions.
 */
void boxoffice_turn(struct worker *worker);

/* Whether there is any of that: asked once more before the loop sleeps. */
bool boxoffice_has_news(const struct worker *worker);

/*
 * Sends the *sale lines that are due, to the rooms of all events whose stock changed; sets
 * worker->sale_at_ns if one is due later.
 */
void boxoffice_announce_sales(struct worker *worker);

#endif
