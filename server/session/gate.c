#include "server/session/gate.h"

#include "server/session/sessions.h"
#include "shared/base/clock.h"

/* With the directory's lock held, as below. */
static enum outcome count_in(const struct session *session, struct problem *problem)
{
	struct admission *admission = session->turn->shared->directory->admission;
	char left[CLOCK_SECONDS_SIZE];
	int64_t banned_ns = admission_banned(admission, session->peer, clock_deadlines_ns());

	if (banned_ns > 0) {
		clock_seconds(banned_ns, left);
		return refuse(problem, PROBLEM_DENIED, "your address is banned for %s more", left);
	}
	if (!admission_enter(admission, session->peer)) {
		return refuse(problem, PROBLEM_BUSY,
			      "your address has %u connections, which is the most",
			      admission->most);
	}
	return OUTCOME_DONE;
}

static void take_seat(struct session *session)
{
	struct directory *directory = session->turn->shared->directory;

	session->seat->peer = session->peer;
	if (session->front->of_people) {
		directory_claim_guest(directory, session_address(session));
	} else {
		directory_claim_nameless(directory, session_address(session));
	}
	session->let_in = true;
}

enum outcome gate_let_in(struct session *session, struct problem *problem)
{
	struct directory *directory = session->turn->shared->directory;

	if (!directory_try(directory)) {
		return OUTCOME_AGAIN;
	}
	enum outcome outcome = count_in(session, problem);

	if (outcome == OUTCOME_DONE) {
		take_seat(session);
	}
	directory_unlock(directory);
	if (outcome == OUTCOME_REFUSED && problem->code == PROBLEM_BUSY) {
		session_note(session->turn, session, TRAIL_ADDRESS_FULL,
			     "was not let in: its address has %u connections, which is the most",
			     directory->admission->most);
	}
	return outcome;
}
