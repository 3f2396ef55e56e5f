#include "server/lines/server_commands.h"

#include <inttypes.h>
#include <string.h>

#include "server/chat/chat.h"
#include "server/chat/elsewhere.h"
#include "server/chat/operator.h"
#include "server/chat/user.h"
#include "server/sandbox/sandbox.h"
#include "server/state/metric.h"
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

static enum outcome where_elsewhere(struct session *session, struct elsewhere_name name,
				    struct reply *reply, struct problem *problem)
{
	const struct elsewhere_wish wish = { .kind = ERRAND_WHERE, .name = name };
	struct elsewhere_answer answer;
	enum outcome outcome = elsewhere_ask(session, &wish, &answer, problem);

	if (outcome == OUTCOME_DONE) {
		reply_line(reply, "+where %s %u %d", answer.name, answer.worker, answer.pid);
	}
	return outcome;
}

enum outcome server_where(struct session *session, struct span arguments, struct reply *reply,
			  struct problem *problem)
{
	struct shared_state *shared = session->turn->shared;
	const struct elsewhere_name name = elsewhere_read(session, words_next(&arguments));
	struct user user = { .where = session_address(session), .seat = *session->seat };
	enum outcome outcome = OUTCOME_DONE;

	if (name.node.length > 0) {
		return where_elsewhere(session, name, reply, problem);
	}
	if (name.nick.length > 0) {
		outcome = user_find(session->turn, name.nick, &user, problem);
	}
	if (outcome == OUTCOME_DONE) {
		reply_line(reply, "+where %s %u %d", user.seat.nick, user.where.worker + 1,
			   (int)shared->scoreboard->scores[user.where.worker].pid);
	}
	return outcome;
}

enum outcome server_op(struct session *session, struct span arguments, struct reply *reply,
		       struct problem *problem)
{
	struct span given = words_rest(arguments);
	enum outcome outcome;

	if (given.length == 0) {
		return refuse(problem, PROBLEM_BADARG, "PASSWORD is missing: /op PASSWORD");
	}
	outcome = operator_check(session, given, problem);
	if (outcome == OUTCOME_DONE) {
		session_note(session->turn, session, TRAIL_SIGN_IN, "is an operator now");
		session->operator_role = true;
		session->stream->operator_role = true; /* before it is noted as done */
		reply_line(reply, "+op");
	}
	return outcome;
}

/* Where there is one. */
static bool show_bus(const struct shared_state *shared, struct reply *reply)
{
	const struct score *score = &shared->scoreboard->scores[SCOREBOARD_BUS];
	char sandbox[SANDBOX_TEXT_SIZE];

	if (!shared->bus) {
		return false;
	}
	reply_line(reply, "=bus %d %s 0 %s waiting=%llu generation=%u deaths=%u sandbox=%s",
		   (int)score->pid, worker_state_name(score->state),
		   shared->bus->up ? "connected" : "away",
		   (unsigned long long)bus_waiting(shared->bus), score->generation, score->deaths,
		   sandbox_text(score->sandbox, sandbox));
	return true;
}

enum outcome server_workers(struct session *session, struct span arguments, struct reply *reply,
			    struct problem *problem)
{
	const struct scoreboard *scoreboard = session->turn->shared->scoreboard;
	unsigned count = 0;

	(void)arguments;
	(void)problem;
	for (unsigned i = 0; i < scoreboard->workers; i++) {
		const struct score *score = &scoreboard->scores[i];
		char sandbox[SANDBOX_TEXT_SIZE];

		if (!scoreboard_is_used(scoreboard, i)) {
			continue; /* it has retired */
		}
		count++;

		reply_line(reply,
			   "=%u %d %s %u commands=%llu deliveries=%llu booked=%llu generation=%u "
			   "deaths=%u sandbox=%s",
			   i + 1, (int)score->pid, worker_state_name(score->state),
			   score->connections,
			   (unsigned long long)score->counters[COUNTER_COMMANDS],
			   (unsigned long long)score->counters[COUNTER_DELIVERIES],
			   (unsigned long long)score->counters[COUNTER_BOOKED], score->generation,
			   score->deaths, sandbox_text(score->sandbox, sandbox));
	}
	count += show_bus(session->turn->shared, reply);
	reply_line(reply, "+workers %u", count);
	return OUTCOME_DONE;
}

/* Of each its count, and the sum in seconds, under the names that /metrics has for them. */
static void show_histograms(const struct shared_state *shared, struct reply *reply)
{
	for (enum metric_duration i = 0; i < METRIC_DURATIONS; i++) {
		const struct metric_histogram histogram = metric_read_histogram(shared, i);

		reply_line(reply, "=%s_count %" PRIu64, histogram.name,
			   atomic_load(&histogram.values.count));
		reply_line(reply, "=%s_sum %.9f", histogram.name,
			   (double)atomic_load(&histogram.values.sum) / (double)NS_PER_SECOND);
	}
}

enum outcome server_stats(struct session *session, struct span arguments, struct reply *reply,
			  struct problem *problem)
{
	(void)arguments;
	(void)problem;
	for (size_t i = 0; i < metric_count; i++) {
		const struct metric metric =
			metric_read(session->turn->shared, i, turn_wall_ns(session->turn));

		if (metric.kind == METRIC_WORD) {
			reply_line(reply, "=%s %s", metric.name, metric.word);
		} else {
			reply_line(reply, "=%s %" PRIu64, metric.name, metric.number);
		}
	}
	show_histograms(session->turn->shared, reply);
	reply_line(reply, "+stats %zu", metric_count + 2 * (size_t)METRIC_DURATIONS);
	return OUTCOME_DONE;
}
