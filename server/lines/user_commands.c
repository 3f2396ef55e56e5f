#include "server/lines/user_commands.h"

#include "server/booking/boxoffice.h"
#include "server/chat/elsewhere.h"
#include "server/chat/rename.h"
#include "server/chat/user.h"
#include "server/state/penalty.h"
#include "shared/base/clock.h"

static enum outcome refuse_empty_text(struct problem *problem)
{
	return refuse(problem, PROBLEM_BADARG, "TEXT is missing: /tell NICK TEXT");
}

static enum outcome tell_elsewhere(struct session *session, struct elsewhere_name name,
				   struct span text, struct reply *reply, struct problem *problem)
{
	const struct elsewhere_wish wish = { .kind = ERRAND_TELL, .name = name, .text = text };
	struct elsewhere_answer answer;
	enum outcome outcome =
		text.length == 0 ? refuse_empty_text(problem) : user_may_speak(session, problem);

	if (outcome == OUTCOME_DONE) {
		outcome = elsewhere_ask(session, &wish, &answer, problem);
	}
	if (outcome == OUTCOME_DONE) {
		reply_line(reply, "+tell %s", answer.name);
	}
	return outcome;
}

enum outcome user_tell_command(struct session *session, struct span arguments, struct reply *reply,
			       struct problem *problem)
{
	struct user user;
	const struct elsewhere_name name = elsewhere_read(session, words_next(&arguments));
	struct span text = words_rest(arguments);

	if (name.node.length > 0) {
		return tell_elsewhere(session, name, text, reply, problem);
	}
	enum outcome outcome = user_find(session->turn, name.nick, &user, problem);

	if (outcome == OUTCOME_DONE && text.length == 0) {
		return refuse_empty_text(problem);
	}
	if (outcome == OUTCOME_DONE) {
		outcome = user_tell(session, &user, text, problem);
	}
	if (outcome == OUTCOME_DONE) {
		reply_line(reply, "+tell %s", user.seat.nick);
	}
	return outcome;
}

enum outcome user_nick_command(struct session *session, struct span arguments, struct reply *reply,
			       struct problem *problem)
{
	enum outcome outcome = rename_session(session, words_rest(arguments), problem);

	if (outcome == OUTCOME_DONE) {
		reply_line(reply, "+nick %s", session->seat->nick);
	}
	return outcome;
}

static enum outcome kick_elsewhere(struct session *session, struct elsewhere_name name,
				   struct span why, struct reply *reply, struct problem *problem)
{
	const struct elsewhere_wish wish = { .kind = ERRAND_KICK, .name = name, .text = why };
	struct elsewhere_answer answer;
	enum outcome outcome = elsewhere_ask(session, &wish, &answer, problem);

	if (outcome == OUTCOME_DONE) {
		session_note(session->turn, session, TRAIL_KICK, "kicked %s", answer.name);
		reply_line(reply, "+kick %s", answer.name);
	}
	return outcome;
}

enum outcome user_kick_command(struct session *session, struct span arguments, struct reply *reply,
			       struct problem *problem)
{
	char who[TRAIL_WHO_SIZE];
	struct user user;
	const struct elsewhere_name name = elsewhere_read(session, words_next(&arguments));
	const struct span why = words_rest(arguments);

	if (name.node.length > 0) {
		return kick_elsewhere(session, name, why, reply, problem);
	}
	enum outcome outcome = user_find(session->turn, name.nick, &user, problem);

	if (outcome == OUTCOME_DONE) {
		outcome =
			user_kick(session->turn, span_of(session->seat->nick), &user, why, problem);
	}
	if (outcome == OUTCOME_DONE && user.seat.has_ties) {
		boxoffice_release_ended(session->turn, user.where.session);
	}
	if (outcome == OUTCOME_DONE) {
		trail_who(user.seat.nick, user.seat.peer, who);
		session_note(session->turn, session, TRAIL_KICK, "kicked %s", who);
		reply_line(reply, "+kick %s", user.seat.nick);
	}
	return outcome;
}

/* "SECONDS", the next word. */
static enum outcome read_penalty(struct span *arguments, int64_t *seconds, struct problem *problem)
{
	if (words_number(words_next(arguments), 0, PENALTY_SECONDS_MAX, seconds)) {
		return OUTCOME_DONE;
	}
	return refuse(problem, PROBLEM_BADARG, "SECONDS is a number from 0 (no longer) to %d",
		      PENALTY_SECONDS_MAX);
}

static void note_mute(struct session *session, const char *who, int64_t seconds)
{
	char how_long[CLOCK_SECONDS_SIZE];

	clock_seconds(seconds * NS_PER_SECOND, how_long);
	session_note(session->turn, session, TRAIL_MUTE,
		     seconds ? "muted %s for %s" : "lets %s speak again", who, how_long);
}

static enum outcome mute_elsewhere(struct session *session, struct elsewhere_name name,
				   int64_t seconds, struct reply *reply, struct problem *problem)
{
	const struct elsewhere_wish wish = { .kind = ERRAND_MUTE,
					     .name = name,
					     .seconds = seconds };
	struct elsewhere_answer answer;
	enum outcome outcome = elsewhere_ask(session, &wish, &answer, problem);

	if (outcome == OUTCOME_DONE) {
		note_mute(session, answer.name, seconds);
		reply_line(reply, "+mute %s %lld", answer.name, (long long)seconds);
	}
	return outcome;
}

static enum outcome mute_here(struct session *session, struct span nick, struct span arguments,
			      struct reply *reply, struct problem *problem)
{
	char who[TRAIL_WHO_SIZE];
	struct user user;
	int64_t seconds;
	enum outcome outcome = user_find(session->turn, nick, &user, problem);

	if (outcome == OUTCOME_DONE) {
		outcome = read_penalty(&arguments, &seconds, problem);
	}
	if (outcome == OUTCOME_DONE) {
		outcome = user_mute(session->turn, span_of(session->seat->nick), &user, seconds,
				    problem);
	}
	if (outcome == OUTCOME_DONE) {
		trail_who(user.seat.nick, user.seat.peer, who);
		note_mute(session, who, seconds);
		reply_line(reply, "+mute %s %lld", user.seat.nick, (long long)seconds);
	}
	return outcome;
}

enum outcome user_mute_command(struct session *session, struct span arguments, struct reply *reply,
			       struct problem *problem)
{
	const struct elsewhere_name name = elsewhere_read(session, words_next(&arguments));
	int64_t seconds;

	if (name.node.length == 0) {
		return mute_here(session, name.nick, arguments, reply, problem);
	}
	enum outcome outcome = read_penalty(&arguments, &seconds, problem);

	return outcome == OUTCOME_DONE ? mute_elsewhere(session, name, seconds, reply, problem)
				       : outcome;
}

enum outcome user_ban_command(struct session *session, struct span arguments, struct reply *reply,
			      struct problem *problem)
{
	char text[PEER_ADDRESS_TEXT_SIZE];
	char how_long[CLOCK_SECONDS_SIZE];
	struct peer_network network;
	int64_t seconds;
	enum outcome outcome;

	if (!peer_network_read(words_next(&arguments), &network)) {
		return refuse(problem, PROBLEM_BADARG,
			      "ADDRESS is one such as 192.0.2.7, 192.0.2.0/24 or 2001:db8::/64");
	}
	outcome = read_penalty(&arguments, &seconds, problem);
	if (outcome == OUTCOME_DONE) {
		outcome = user_ban(session, network, seconds, problem);
	}
	if (outcome == OUTCOME_DONE) {
		peer_network_write(network, text);
		clock_seconds(seconds * NS_PER_SECOND, how_long);
		session_note(session->turn, session, TRAIL_BAN,
			     seconds ? "banned %s for %s" : "lifted the ban of %s", text, how_long);
		reply_line(reply, "+ban %s %lld", text, (long long)seconds);
	}
	return outcome;
}
