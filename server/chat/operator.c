#include "server/chat/operator.h"

#include <string.h>

#include "shared/base/clock.h"

/* Takes as long for a wrong password as for the right one. */
static bool same_password(struct span given, const char *password)
{
	size_t length = strlen(password);
	unsigned difference = given.length != length;

	for (size_t i = 0; i < given.length; i++) {
		difference |= (unsigned char)(given.text[i] ^ password[length ? i % length : 0]);
	}
	return difference == 0;
}

/* With the directory's lock held: whether GIVEN is it, unless it may not even be looked at. */
static enum outcome check_password(struct session *session, struct span given,
				   struct problem *problem)
{
	struct shared_state *shared = session->turn->shared;
	struct admission *admission = shared->directory->admission;
	int64_t now_ns = turn_now_ns(session->turn);
	int64_t left_ns = admission_penalty(admission, session->peer, now_ns);
	char left[CLOCK_SECONDS_SIZE];

	if (left_ns > 0) {
		clock_seconds(left_ns, left);
		return refuse(problem, PROBLEM_RATE,
			      "too many wrong passwords from your address: wait %s", left);
	}
	if (!same_password(given, shared->options->operator_password)) {
		admission_wrong_password(admission, session->peer, now_ns);
		return refuse(problem, PROBLEM_DENIED, "wrong password");
	}
	admission_right_password(admission, session->peer);
	return OUTCOME_DONE;
}

static void note_refusal(const struct session *session, const struct problem *problem)
{
	if (problem->code == PROBLEM_RATE) {
		session_note(session->turn, session, TRAIL_UNSEEN_PASSWORD,
			     "gave a password, which was not looked at: too many were wrong");
	} else {
		session_note(session->turn, session, TRAIL_WRONG_PASSWORD, "gave a wrong password");
	}
}

enum outcome operator_check(struct session *session, struct span given, struct problem *problem)
{
	struct shared_state *shared = session->turn->shared;
	enum outcome outcome;

	if (shared->options->operator_password[0] == '\0') {
		return refuse(problem, PROBLEM_DENIED, "this server has no operator password set");
	}
	if (!directory_try(shared->directory)) {
		return OUTCOME_AGAIN;
	}
	outcome = check_password(session, given, problem);
	directory_unlock(shared->directory);
	if (outcome == OUTCOME_REFUSED) {
		note_refusal(session, problem);
	}
	return outcome;
}
