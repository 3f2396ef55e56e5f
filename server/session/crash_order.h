/*
 * crash_order: a session has workers crash, and waits for what that cost (state/crash.h).
 *
 * Its front keeps what was asked for meanwhile. So it lies in the session's stream when the signal
 * comes, and is asked once more by whoever serves the session then.
 */
#ifndef SERVER_SESSION_CRASH_ORDER_H
#define SERVER_SESSION_CRASH_ORDER_H

#include "server/session/problem.h"
#include "server/session/sessions.h"

/*
 * The WORKER in that place, or CRASH_ALL, gets SIGNAL. OUTCOME_WAIT and OUTCOME_AGAIN: to be asked
 * the same again. OUTCOME_DONE: ENDS has what came of it, by place. Refused: PROBLEM says why.
 */
enum outcome crash_order(struct session *session, uint32_t worker, int signal,
			 struct crash_end ends[OPTIONS_WORKERS_MAX], struct problem *problem);

/* At a turn's end: who waits goes on if it is over. True: the master has to be asked now. */
bool crash_order_turn(struct turn *turn);

/* At the start of a worker that goes on with its predecessor's sessions, which are there. */
void crash_order_adopt(struct turn *turn);

#endif
