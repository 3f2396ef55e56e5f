#include "server/lines/input.h"

#include <stdlib.h>
#include <string.h>

#include "server/lines/command.h"
#include "server/lines/lines_session.h"
#include "server/lines/listing.h"
#include "server/lines/words.h"
#include "server/session/share.h"

/* What becomes of a line when it has its turn. */
enum line_fate {
	LINE_IS_CARRIED_OUT,
	LINE_IS_TOO_LONG,  /* refused; there is no text */
	LINE_IS_OVER_RATE, /* refused */
	LINE_IS_NOT_CUT /* nothing of what is kept was looked at: no share of the turn was left */
};

void input_start(struct session *session)
{
	line_reader_init(&lines_session_of(session)->lines);
}

void input_finish(struct session *session)
{
	line_reader_finish(&lines_session_of(session)->lines);
	free(lines_session_of(session)->kept);
	listing_finish(session);
}

/* Keeps a line that cannot have its turn yet. */
static void keep_line(struct session *session, struct span line, enum line_fate fate)
{
	struct lines_session *input = lines_session_of(session);

	input->kept = malloc(line.length + 1);
	if (!input->kept) {
		session_close(session);
		return;
	}
	memcpy(input->kept, line.text, line.length);
	input->kept_length = input->kept_line = (uint32_t)line.length;
	input->kept_fate = (uint8_t)fate;
	session->keeping = true;
}

/* Keeps what came after the line that waits. */
static void keep_rest(struct session *session, const char *bytes, size_t length)
{
	struct lines_session *input = lines_session_of(session);
	char *kept = realloc(input->kept, input->kept_length + length + 1);

	if (!kept) {
		session_close(session);
		return;
	}
	memcpy(kept + input->kept_length, bytes, length);
	input->kept = kept;
	input->kept_length += (uint32_t)length;
}

static enum outcome refuse_line(struct session *session, enum line_fate fate,
				struct problem *problem)
{
	if (fate == LINE_IS_TOO_LONG) {
		return refuse(problem, PROBLEM_TOOLONG, "a line has at most %d bytes",
			      LINE_MAX_BYTES);
	}
	return refuse(
		problem, PROBLEM_RATE,
		"at most %u lines a second, dear ones count as more; this one was not carried out",
		session->turn->shared->options->rate);
}

/* A line has its turn: carried out and answered, or kept for later. */
static void take_line(struct session *session, struct span line, enum line_fate fate)
{
	struct turn *turn = session->turn;
	struct reply *reply = &turn->sessions->reply;
	struct problem problem;
	enum outcome outcome = fate == LINE_IS_CARRIED_OUT
				       ? command_carry_out(session, line, reply, &problem)
				       : refuse_line(session, fate, &problem);

	if (outcome == OUTCOME_REFUSED && session->unanswered > 0) {
		outcome = OUTCOME_WAIT; /* its place is behind the answers to come */
	}
	switch (outcome) {
	case OUTCOME_MORE:
		session_reply_is_complete(session);
		keep_line(session, line, fate);
		session_put_off(session);
		return;
	case OUTCOME_AGAIN: session_retry_later(session); /* fallthrough */
	case OUTCOME_WAIT:
		reply_drop_incomplete(reply);
		keep_line(session, line, fate);
		return;
	case OUTCOME_LATER: reply_drop_incomplete(reply); break;
	case OUTCOME_REFUSED:
		words_problem(reply, &problem);
		score_add(turn->score, COUNTER_ERRORS, 1); /* fallthrough */
	case OUTCOME_DONE: session_reply_is_complete(session); break;
	case OUTCOME_CLOSE:
		session_reply_is_complete(session);
		session_close(session);
		break;
	}
	score_add(turn->score, COUNTER_COMMANDS, 1);
}

static void take_new_line(struct session *session, struct span line, enum line_fate fate)
{
	unsigned cost = command_cost(line);

	if (line.length == 0 && fate == LINE_IS_CARRIED_OUT) {
		session_charge(session, cost);
		return;
	}
	if (!session_within_rate(session, cost)) {
		fate = LINE_IS_OVER_RATE;
		cost = 1;
	}
	take_line(session, line, fate);
	session_charge(session, cost);
}

/* It has had its share: the rest waits, and the socket is not read meanwhile. */
static void put_off(struct session *session, const char *bytes, size_t length)
{
	struct lines_session *input = lines_session_of(session);

	input->kept_length = input->kept_line = 0;
	input->kept_fate = LINE_IS_NOT_CUT;
	session_put_off(session);
	keep_rest(session, bytes, length);
}

static void take_lines(struct session *session, const char *bytes, size_t length)
{
	struct lines_session *input = lines_session_of(session);
	struct line line = { NULL, 0 };

	while (session->state == SESSION_OPEN && !session->keeping) {
		size_t used = 0;

		if (length > 0 && !session_may_go_on(session)) {
			put_off(session, bytes, length);
			return;
		}
		enum line_event event = line_read(&input->lines, bytes, length, &used, &line);

		bytes += used;
		length -= used;
		switch (event) {
		case LINE_NONE: return;
		case LINE_WHOLE:
			take_new_line(session, (struct span){ line.text, line.length },
				      LINE_IS_CARRIED_OUT);
			break;
		case LINE_TOO_LONG: take_new_line(session, span_of(""), LINE_IS_TOO_LONG); break;
		case LINE_TELNET:
			session_send_own(session, line.text, line.length);
			session_charge(session, 1);
			break;
		case LINE_BROWSER:
		case LINE_NO_MEMORY: session_close(session); return;
		}
	}
	if (session->state == SESSION_OPEN && length > 0) {
		keep_rest(session, bytes, length);
	}
}

void input_take(struct session *session, char *bytes, size_t length)
{
	reply_clear(&session->turn->sessions->reply);
	session_begin_share(session);
	take_lines(session, bytes, length);
	session_send_replies(session->turn);
}

void input_go_on(struct session *session)
{
	struct lines_session *input = lines_session_of(session);
	char *kept = input->kept;
	uint32_t length = input->kept_length;
	uint32_t line = input->kept_line;

	input->kept = NULL;
	session->keeping = false;
	reply_clear(&session->turn->sessions->reply);
	session_begin_share(session);
	if (input->kept_fate != LINE_IS_NOT_CUT) {
		take_line(session, (struct span){ kept, line }, input->kept_fate);
	}
	if (session->keeping) {
		keep_rest(session, kept + line, length - line);
	} else {
		take_lines(session, kept + line, length - line);
	}
	session_send_replies(session->turn);
	free(kept);
}
