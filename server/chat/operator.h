/*
 * operator: who is an operator: who knows the password. Guessing it has a penalty, whichever
 * connection, worker and front it is tried on.
 *
 * A password that is kept hashed takes tens of milliseconds and 64 MiB to look at: a thread of the
 * worker's does that, one at a time, started for it and ended after it. Meanwhile everybody else is
 * served; whoever asked waits, with all that follows. A guess counts as wrong from when it is taken
 * on until it proves right, so a crowd of connections gets no more of them than the rule allows.
 * Once one was right the worker knows it again at once, by a keyed hash in its memory.
 */
#ifndef SERVER_CHAT_OPERATOR_H
#define SERVER_CHAT_OPERATOR_H

#include "server/session/session.h"

#define OPERATOR_LOOKS_MOST 8 /* of a worker's, under way or waiting; beyond: PROBLEM_BUSY */

/* What is kept for a worker: turn->operators. Destroying waits for the look that is under way. */
void operators_create(struct turn *turn);
void operators_destroy(struct turn *turn);

/*
 * OUTCOME_DONE: GIVEN is the password. Refused: it is not, or it is not looked at, since too many
 * were wrong; the trail has that. OUTCOME_AGAIN: a lock was taken, nothing was done. OUTCOME_WAIT:
 * it is looked at; the front is to keep what was asked for, and to ask the same again when it is
 * told to go on.
 */
enum outcome operator_check(struct session *session, struct span given, struct problem *problem);

/* Once a turn: who waits for a look that is over goes on; the next one begins. */
void operators_turn(struct turn *turn);

/*
 * This worker is about to leave its sessions to another: no further look begins, and who was to
 * have one is to ask the next worker. False, to be called again next turn, while one is under way.
 */
bool operators_yield(struct turn *turn);

/* It leaves them now, though a look is still under way, perhaps: the next worker has it again, and
 * counts it. */
void operators_leave(struct turn *turn);

/* Whether one is over: asked once more before the loop sleeps. */
bool operators_have_news(const struct turn *turn);

#endif
