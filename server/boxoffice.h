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
enum outcome boxoffice_event(struct session *session, struct span arguments, struct reply *reply);

/* Once a turn: takes the clerk's answers from the desk and gives each to its session. */
void boxoffice_turn(struct worker *worker);

/*
 * Sends the *sale lines that are due, to the rooms of all events whose stock changed; sets
 * worker->sale_at_ns if one is due later.
 */
void boxoffice_announce_sales(struct worker *worker);

#endif
