#include "server/lines/server_commands.h"

#include <string.h>

#include "server/chat/chat.h"
#include "server/chat/user.h"
#include "server/sandbox/sandbox.h"
#include "shared/base/clock.h"
#include "shared/text/line.h"
#include "shared/text/text.h"

enum outcome server_ping(struct session *session, struct span arguments, struct reply *reply,
			 struct problem *problem)
{
	struct span text = words_rest(arguments);
	char clean[LINE_MAX_BYTES * TEXT_GROWTH];

	(void)session;
	(void)problem;
	if (text.length == 0) {
		reply_bytes(reply, "+pong\n", 6);
		return OUTCOME_DONE;
	}
	reply_bytes(reply, "+pong ", 6);
	reply_bytes(reply, clean, text_clean(text.text, text.length, clean));
	reply_bytes(reply, "\n", 1);
	return OUTCOME_DONE;
}

enum outcome server_quit(struct session *session, struct span arguments, struct reply *reply,
			 struct problem *problem)
{
	(void)problem;
	chat_farewell(session, words_rest(arguments));
	reply_line(reply, "+bye");
	return OUTCOME_CLOSE;
}

enum outcome server_where(struct session *session, struct span arguments, struct reply *reply,
			  struct problem *problem)
{
	struct shared_state *shared = session->turn->shared;
	struct span nick = words_next(&arguments);
	struct user user = { .where = session_address(session), .seat = *session->seat };
	enum outcome outcome = OUTCOME_DONE;

	if (nick.length > 0) {
		outcome = user_find(session, nick, &user, problem);
	}
	if (outcome == OUTCOME_DONE) {
		reply_line(reply, "+where %s %u %d", user.seat.nick, user.where.worker + 1,
			   (int)shared->scoreboard->scores[user.where.worker].pid);
	}
	return outcome;
}

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

	if (left_ns > 0) {
		return refuse(problem, PROBLEM_RATE,
			      "too many wrong passwords from your address: wait %lld seconds",
			      (long long)((left_ns + NS_PER_SECOND - 1) / NS_PER_SECOND));
	}
	if (!same_password(given, shared->options->operator_password)) {
		admission_wrong_password(admission, session->peer, now_ns);
		return refuse(problem, PROBLEM_DENIED, "wrong password");
	}
	admission_right_password(admission, session->peer);
	return OUTCOME_DONE;
}

static void note_sign_in(const struct session *session, enum outcome outcome,
			 const struct problem *problem)
{
	if (outcome == OUTCOME_DONE) {
		session_note(session->turn, session, TRAIL_SIGN_IN, "is an operator now");
	} else if (problem->code == PROBLEM_RATE) {
		session_note(session->turn, session, TRAIL_UNSEEN_PASSWORD,
			     "gave a password, which was not looked at: too many were wrong");
	} else {
		session_note(session->turn, session, TRAIL_WRONG_PASSWORD, "gave a wrong password");
	}
}

enum outcome server_op(struct session *session, struct span arguments, struct reply *reply,
		       struct problem *problem)
{
	struct shared_state *shared = session->turn->shared;
	struct span given = words_rest(arguments);
	enum outcome outcome;

	if (given.length == 0) {
		return refuse(problem, PROBLEM_BADARG, "PASSWORD is missing: /op PASSWORD");
	}
	if (shared->options->operator_password[0] == '\0') {
		return refuse(problem, PROBLEM_DENIED, "this server has no operator password set");
	}
	if (!directory_try(shared->directory)) {
		return OUTCOME_AGAIN;
	}
	outcome = check_password(session, given, problem);
	directory_unlock(shared->directory);
	note_sign_in(session, outcome, problem);
	if (outcome == OUTCOME_DONE) {
		session->operator_role = true;
		reply_line(reply, "+op");
	}
	return outcome;
}

enum outcome server_workers(struct session *session, struct span arguments, struct reply *reply,
			    struct problem *problem)
{
	const struct scoreboard *scoreboard = session->turn->shared->scoreboard;

	(void)arguments;
	(void)problem;
	for (unsigned i = 0; i < scoreboard->workers; i++) {
		const struct score *score = &scoreboard->scores[i];
		char sandbox[SANDBOX_TEXT_SIZE];

		reply_line(reply,
			   "=%u %d %s %u commands=%llu deliveries=%llu booked=%llu deaths=%u "
			   "sandbox=%s",
			   i + 1, (int)score->pid, worker_state_name(score->state),
			   score->connections,
			   (unsigned long long)score->counters[COUNTER_COMMANDS],
			   (unsigned long long)score->counters[COUNTER_DELIVERIES],
			   (unsigned long long)score->counters[COUNTER_BOOKED], score->deaths,
			   sandbox_text(score->sandbox, sandbox));
	}
	reply_line(reply, "+workers %u", scoreboard->workers);
	return OUTCOME_DONE;
}

enum outcome server_stats(struct session *session, struct span arguments, struct reply *reply,
			  struct problem *problem)
{
	const struct shared_state *shared = session->turn->shared;
	const struct scoreboard *scoreboard = shared->scoreboard;
	int64_t uptime_ns = turn_wall_ns(session->turn) - scoreboard->started_ns;

	(void)arguments;
	(void)problem;
	reply_line(reply, "=turnstile_uptime_seconds %lld", (long long)(uptime_ns / NS_PER_SECOND));
	reply_line(reply, "=turnstile_workers %u", scoreboard->workers);
	reply_line(reply, "=turnstile_connections %u", scoreboard_connections(scoreboard));
	reply_line(reply, "=turnstile_serialize %s",
		   serialize_kind_name(shared->options->serialize));
	for (enum counter i = 0; i < COUNTERS; i++) {
		reply_line(reply, "=%s %llu", counter_name(i),
			   (unsigned long long)scoreboard_total(scoreboard, i));
	}
	reply_line(reply, "+stats %d", 4 + COUNTERS);
	return OUTCOME_DONE;
}
