/*
 * gate: whether a new session may come in, whatever kind of listener it comes from: bans, and how
 * many connections its address may have.
 *
 * How many there may be in all is asked before there is a session (worker.c).
 */
#ifndef SERVER_SESSION_GATE_H
#define SERVER_SESSION_GATE_H

#include "server/session/problem.h"
#include "server/session/sessions.h"

/*
 * Counts a session in and gives it its seat, with a first nick if its front is of people. Refused:
 * PROBLEM says why. OUTCOME_AGAIN: the directory's lock was taken, nothing was done.
 */
enum outcome gate_let_in(struct session *session, struct problem *problem);

#endif
