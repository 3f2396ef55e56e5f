#include "server/session/input.h"

#include <stdlib.h>
#include <string.h>

#include "server/lines/command.h"
#include "server/session/session.h"
#include "shared/base/clock.h"

#define RATE_BURST 2 /* seconds' worth of commands at once */

/* What becomes of a line when it has its turn. */
enum line_fate {
	LINE_IS_CARRIED_OUT,
	LINE_IS_TOO_LONG, /* refused; there is no text */
	LINE_IS_OVER_RATE /* refused */
};

void intake_init(struct intake *intake)
{
	memset(intake, 0, sizeof(*intake));
	line_reader_init(&intake->lines);
}

void intake_finish(struct intake *intake)
{
	line_reader_finish(&intake->lines);
	free(intake->kept);
}

/* Keeps a line that cannot have its turn yet. */
static void keep_line(struct session *session, struct span line, enum line_fate fate)
{
	struct intake *intake = &session->intake;

	intake->kept = malloc(line.length + 1);
	if (!intake->kept) {
		session_close(session);
		return;
	}
	memcpy(intake->kept, line.text, line.length);
	intake->kept_length = intake->kept_line = (uint32_t)line.length;
	intake->kept_fate = (uint8_t)fate;
	intake->keeping = true;
}

/* Keeps what came after the line that waits. */
static void keep_rest(struct session *session, const char *input, size_t length)
{
	struct intake *intake = &session->intake;
	char *kept = realloc(intake->kept, intake->kept_length + length + 1);

	if (!kept) {
		session_close(session);
		return;
	}
	memcpy(kept + intake->kept_length, input, length);
	intake->kept = kept;
	intake->kept_length += (uint32_t)length;
}

/* Whether --rate lets one more line through; a token bucket that is kept as a time (GCRA). */
static bool within_rate(struct session *session)
{
	unsigned rate = session->worker->shared->options->rate;

	if (rate == 0) {
		return true;
	}
	int64_t now = worker_now_ns(session->worker);
	int64_t start = session->intake.tokens_ns > now ? session->intake.tokens_ns : now;

	if (start - now > (RATE_BURST * (int64_t)rate - 1) * (NS_PER_SECOND / rate)) {
		return false;
	}
	session->intake.tokens_ns = start + NS_PER_SECOND / rate;
	return true;
}

static enum outcome refuse_line(struct session *session, enum line_fate fate, struct reply *reply)
{
	if (fate == LINE_IS_TOO_LONG) {
		reply_error(reply, "TOOLONG", "a line has at most %d bytes", LINE_MAX_BYTES);
	} else {
		reply_error(reply, "RATE",
			    "at most %u lines a second; this one was not carried out",
			    session->worker->shared->options->rate);
	}
	return OUTCOME_DONE;
}

/* A line has its turn: carried out and answered, or kept for later. */
static void take_line(struct session *session, struct span line, enum line_fate fate)
{
	struct worker *worker = session->worker;
	struct reply *reply = &worker->reply;
	enum outcome outcome;

	outcome = fate == LINE_IS_CARRIED_OUT ? command_carry_out(session, line, reply)
					      : refuse_line(session, fate, reply);
	if (outcome == OUTCOME_DONE && session->bookings > 0) {
		outcome = OUTCOME_WAIT; /* an error: its place is behind the answers to come */
	}
	switch (outcome) {
	case OUTCOME_AGAIN: session_retry_later(session); /* fallthrough */
	case OUTCOME_WAIT:
		reply_drop_incomplete(reply);
		keep_line(session, line, fate);
		return;
	case OUTCOME_LATER:
		reply_drop_incomplete(reply);
		session->bookings++;
		break;
	case OUTCOME_DONE: session_reply_is_complete(session); break;
	case OUTCOME_CLOSE:
		session_reply_is_complete(session);
		session_close(session);
		break;
	}
	score_add(worker->score, COUNTER_COMMANDS, 1);
}

static void take_new_line(struct session *session, struct span line, enum line_fate fate)
{
	if (line.length > 0 || fate != LINE_IS_CARRIED_OUT) {
		take_line(session, line, within_rate(session) ? fate : LINE_IS_OVER_RATE);
	}
}

static void take_lines(struct session *session, const char *input, size_t length)
{
	struct intake *intake = &session->intake;
	struct line line = { NULL, 0 };

	while (session->state == SESSION_OPEN && !intake->keeping) {
		size_t used = 0;
		enum line_event event = line_read(&intake->lines, input, length, &used, &line);

		input += used;
		length -= used;
		switch (event) {
		case LINE_NONE: return;
		case LINE_WHOLE:
			take_new_line(session, (struct span){ line.text, line.length },
				      LINE_IS_CARRIED_OUT);
			break;
		case LINE_TOO_LONG: take_new_line(session, span_of(""), LINE_IS_TOO_LONG); break;
		case LINE_TELNET: session_send(session, line.text, line.length); break;
		case LINE_BROWSER:
		case LINE_NO_MEMORY: session_close(session); return;
		}
	}
	if (session->state == SESSION_OPEN && length > 0) {
		keep_rest(session, input, length);
	}
}

void intake_take(struct session *session, const char *input, size_t length)
{
	reply_clear(&session->worker->reply);
	take_lines(session, input, length);
	session_send_replies(session->worker);
}

void intake_go_on(struct session *session)
{
	struct intake *intake = &session->intake;
	char *kept = intake->kept;
	uint32_t length = intake->kept_length;
	uint32_t line = intake->kept_line;

	intake->kept = NULL;
	intake->keeping = false;
	reply_clear(&session->worker->reply);
	take_line(session, (struct span){ kept, line }, intake->kept_fate);
	if (intake->keeping) {
		keep_rest(session, kept + line, length - line);
	} else {
		take_lines(session, kept + line, length - line);
	}
	session_send_replies(session->worker);
	free(kept);
}
