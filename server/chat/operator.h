/*
 * operator: who is an operator: who knows the password. Guessing it has a penalty, whichever
 * connection, worker and front it is tried on.
 */
#ifndef SERVER_CHAT_OPERATOR_H
#define SERVER_CHAT_OPERATOR_H

#include "server/session/session.h"

/*
 * OUTCOME_DONE: GIVEN is the password. Refused: it is not, or it is not looked at, since too many
 * were wrong; the trail has that. OUTCOME_AGAIN: a lock was taken, nothing was done.
 */
enum outcome operator_check(struct session *session, struct span given, struct problem *problem);

#endif
