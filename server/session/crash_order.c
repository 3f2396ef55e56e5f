#include "server/session/crash_order.h"

#include <signal.h>
#include <string.h>

#include "server/session/session.h"

/* Who wants to know; NULL: nobody any more. */
static struct session *asker_of(const struct turn *turn)
{
	const struct crash *crash = &turn->score->crash;
	struct session *session = session_find(turn, crash->seat, crash->session);

	return crash->session != 0 && session && session->state == SESSION_OPEN ? session : NULL;
}

static enum outcome wait_for_it(struct session *session)
{
	session_expect_answer(session);
	return OUTCOME_WAIT;
}

static void note_order(const struct session *session, uint32_t worker, int signal)
{
	if (worker == CRASH_ALL) {
		session_note(session->turn, session, TRAIL_CRASH, "had all workers get SIG%s",
			     sigabbrev_np(signal));
	} else {
		session_note(session->turn, session, TRAIL_CRASH, "had worker %u get SIG%s",
			     worker + 1, sigabbrev_np(signal));
	}
}

static enum outcome order(struct session *session, uint32_t worker, int signal)
{
	struct crash *crash = &session->turn->score->crash;

	note_order(session, worker, signal);
	crash->target = worker;
	crash->signal = signal;
	crash->told_by = 0;
	crash->seat = session->index;
	crash->session = session->number;
	atomic_store_explicit(&crash->state, CRASH_NOTED, memory_order_release);
	return wait_for_it(session);
}

enum outcome crash_order(struct session *session, uint32_t worker, int signal,
			 struct crash_end ends[OPTIONS_WORKERS_MAX], struct problem *problem)
{
	struct crash *crash = &session->turn->score->crash;

	if (!session->turn->shared->options->chaos) {
		return refuse(problem, PROBLEM_DENIED,
			      "no worker is made to crash here: turnstiled runs without --chaos");
	}
	if (crash->state == CRASH_NONE) {
		return order(session, worker, signal);
	}
	if (asker_of(session->turn) != session) {
		return OUTCOME_AGAIN; /* another's comes first */
	}
	if (crash->state != CRASH_DONE) {
		return wait_for_it(session);
	}
	memcpy(ends, crash->ends, sizeof(crash->ends));
	atomic_store_explicit(&crash->state, CRASH_NONE, memory_order_release);
	return OUTCOME_DONE;
}

bool crash_order_turn(struct turn *turn)
{
	struct crash *crash = &turn->score->crash;
	struct session *session;

	switch (atomic_load(&crash->state)) {
	case CRASH_NOTED:
		if (crash->told_by == turn->score->generation) {
			return false;
		}
		crash->told_by = turn->score->generation;
		return true;
	case CRASH_DONE:
		session = asker_of(turn);
		if (!session) {
			crash->state = CRASH_NONE;
		} else if (session->unanswered > 0) {
			session_go_on(session);
		}
		return false;
	default: return false;
	}
}

/* One whose question was answered as interrupted does not wait any more. */
void crash_order_adopt(struct turn *turn)
{
	const struct session *session = asker_of(turn);

	if (!session || !session->keeping) {
		turn->score->crash.session = 0;
	}
}
