#include "server/lines/input.h"

#include <string.h>

#include "server/lines/command.h"
#include "server/lines/lines_session.h"
#include "server/lines/listing.h"
#include "server/lines/words.h"
#include "server/session/progress.h"
#include "server/session/share.h"
#include "shared/text/line.h"

/* What becomes of a line when it has its turn. */
enum line_fate {
	LINE_IS_CARRIED_OUT,
	LINE_IS_TOO_LONG,    /* refused; there is no text */
	LINE_IS_OVER_RATE,   /* refused */
	LINE_IS_INTERRUPTED, /* a predecessor of this worker ended over it */
	LINE_IS_NOT_CUT /* nothing of what is kept was looked at: no share of the turn was left */
};

/* Input while it is taken. */
struct input {
	struct session *session;
	struct line_reader lines;
	/* What has to wait, session->keeping. */
	enum line_fate fate;
	struct span line;
	struct span rest; /* what came after it */
};

/* What is kept between two turns: this, what the reader keeps, the line that waits, the rest. */
struct kept {
	uint32_t reader_size;
	uint32_t line_length;
	uint8_t fate; /* of the line */
	bool waits;   /* there is a line, or a rest */
	bool lists;   /* the line's reply goes on with `listing` */
	struct listing listing;
};

#define FIRST_DONE 1U /* flag of the rest: as in the reader */

/* What is kept, behind what the front itself keeps. */
static struct span kept_of(struct session *session)
{
	return progress_rest_input(session, lines_session_of(session)->before);
}

static void begin(struct input *input, struct session *session)
{
	const struct span bytes = kept_of(session);
	struct kept kept = { .reader_size = 0 };

	input->session = session;
	input->line = input->rest = span_of("");
	if (bytes.length > 0) {
		memcpy(&kept, bytes.text, sizeof(kept));
		line_reader_load(&input->lines, bytes.text + sizeof(kept), kept.reader_size);
		if (kept.lists) {
			*listing_of(session) = kept.listing;
		}
	} else {
		line_reader_init(&input->lines);
	}
	input->lines.first_done = progress_rest(session)->flags & FIRST_DONE;
	reply_clear(&session->turn->sessions->reply);
	session_begin_share(session);
}

static char *append(char *to, const char *bytes, size_t length)
{
	memcpy(to, bytes, length);
	return to + length;
}

/* Keeps what there is to keep. */
static void end(struct input *input)
{
	struct session *session = input->session;
	struct lines_session *own = lines_session_of(session);
	uint32_t flags = own->flags | (input->lines.first_done ? FIRST_DONE : 0);
	const struct listing *listing = own->listing;
	struct kept kept = { .reader_size = (uint32_t)line_reader_saved_size(&input->lines),
			     .line_length = (uint32_t)input->line.length,
			     .fate = (uint8_t)input->fate,
			     .waits = session->keeping,
			     .lists = listing };

	session_send_replies(session->turn);
	own->before = own->before_next;
	if (session->state != SESSION_OPEN || (kept.reader_size == 0 && !kept.waits)) {
		(void)progress_keep(session, own->before, flags);
		return;
	}
	char *to = progress_keep(session,
				 own->before + sizeof(kept) + kept.reader_size +
					 input->line.length + input->rest.length,
				 flags);

	to += own->before;
	if (listing) {
		kept.listing = *listing;
	}
	memcpy(to, &kept, sizeof(kept));
	if (kept.reader_size > 0) {
		line_reader_save(&input->lines, to + sizeof(kept));
	}
	to = append(to + sizeof(kept) + kept.reader_size, input->line.text, input->line.length);
	(void)append(to, input->rest.text, input->rest.length);
}

bool input_revive(struct session *session)
{
	struct kept kept = { .waits = false };

	if (kept_of(session).length > 0) {
		memcpy(&kept, kept_of(session).text, sizeof(kept));
	}
	return kept.waits;
}

/* Keeps a line that cannot have its turn yet. */
static void keep_line(struct input *input, struct span line, enum line_fate fate)
{
	input->line = line;
	input->fate = fate;
	input->session->keeping = true;
}

static enum outcome refuse_line(struct session *session, enum line_fate fate,
				struct problem *problem)
{
	if (fate == LINE_IS_TOO_LONG) {
		return refuse(problem, PROBLEM_TOOLONG, "a line has at most %d bytes",
			      LINE_MAX_BYTES);
	}
	if (fate == LINE_IS_INTERRUPTED) {
		return refuse(problem, PROBLEM_INTERRUPTED,
			      "the process that carried this out ended: it was done or not");
	}
	return refuse(
		problem, PROBLEM_RATE,
		"at most %u lines a second, dear ones count as more; this one was not carried out",
		session->turn->shared->options->rate);
}

/* A line has its turn: carried out and answered, or kept for later. */
static void give_turn(struct input *input, const struct command *command, struct span line,
		      enum line_fate fate)
{
	struct session *session = input->session;
	struct turn *turn = session->turn;
	struct reply *reply = &turn->sessions->reply;
	struct problem problem;
	enum outcome outcome = fate == LINE_IS_CARRIED_OUT
				       ? command_carry_out(session, command, line, reply, &problem)
				       : refuse_line(session, fate, &problem);

	if (outcome == OUTCOME_REFUSED && session->unanswered > 0) {
		outcome = OUTCOME_WAIT; /* its place is behind the answers to come */
	}
	switch (outcome) {
	case OUTCOME_MORE:
		progress_pause(session);
		session_reply_is_complete(session);
		keep_line(input, line, fate);
		session_put_off(session);
		return;
	case OUTCOME_AGAIN: session_retry_later(session); /* fallthrough */
	case OUTCOME_WAIT:
		reply_drop_incomplete(reply);
		progress_put_back(session);
		keep_line(input, line, fate);
		return;
	case OUTCOME_LATER:
		reply_drop_incomplete(reply);
		progress_done(session);
		break;
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

/* The same for one that a predecessor of this worker may have had in hand. */
static void take_line(struct input *input, const struct command *command, struct span line,
		      enum line_fate fate)
{
	switch (progress_next(input->session)) {
	case REQUEST_WAS_DONE:
		if (fate == LINE_IS_CARRIED_OUT && command_ends(command)) {
			session_close(input->session);
		}
		return;
	case REQUEST_WAS_INTERRUPTED: fate = LINE_IS_INTERRUPTED; break;
	case REQUEST_IS_NEW: break;
	}
	give_turn(input, command, line, fate);
}

static void take_new_line(struct input *input, struct span line, enum line_fate fate)
{
	struct session *session = input->session;
	const struct command *command = command_find(line);
	unsigned cost = command_cost(command);

	if (line.length == 0 && fate == LINE_IS_CARRIED_OUT) {
		session_charge(session, cost);
		return;
	}
	if (!session_within_rate(session, cost)) {
		fate = LINE_IS_OVER_RATE;
		cost = 1;
	}
	take_line(input, command, line, fate);
	session_charge(session, cost);
}

/* An answer to telnet goes between the replies, as it is. */
static void answer_telnet(struct input *input, const struct line *answer)
{
	struct session *session = input->session;

	if (progress_next(session) != REQUEST_WAS_DONE) {
		reply_bytes(&session->turn->sessions->reply, answer->text, answer->length);
		session_reply_is_complete(session);
	}
	session_charge(session, 1);
}

/* It has had its share: the rest waits, and the socket is not read meanwhile. */
static void put_off(struct input *input)
{
	input->fate = LINE_IS_NOT_CUT;
	session_put_off(input->session);
}

static void take_lines(struct input *input, const char *bytes, size_t length)
{
	struct session *session = input->session;
	struct line line = { NULL, 0 };
	size_t used = 0;

	for (; session->state == SESSION_OPEN && !session->keeping; bytes += used, length -= used) {
		used = 0;
		if (length > 0 && !session_may_go_on(session)) {
			put_off(input);
			continue;
		}
		switch (line_read(&input->lines, bytes, length, &used, &line)) {
		case LINE_NONE: return;
		case LINE_WHOLE:
			take_new_line(input, (struct span){ line.text, line.length },
				      LINE_IS_CARRIED_OUT);
			break;
		case LINE_TOO_LONG: take_new_line(input, span_of(""), LINE_IS_TOO_LONG); break;
		case LINE_TELNET: answer_telnet(input, &line); break;
		case LINE_BROWSER: session_close(session); return;
		}
	}
	input->rest = (struct span){ bytes, length };
}

void input_take(struct session *session, char *bytes, size_t length)
{
	struct input input;

	begin(&input, session);
	take_lines(&input, bytes, length);
	end(&input);
}

void input_go_on(struct session *session)
{
	const struct span bytes = kept_of(session);
	struct input input;
	struct kept kept;

	memcpy(&kept, bytes.text, sizeof(kept));
	const char *text = bytes.text + sizeof(kept) + kept.reader_size;
	const char *end_of_line = text + kept.line_length;
	size_t length = bytes.length - (size_t)(end_of_line - bytes.text);

	begin(&input, session);
	session->keeping = false;
	if (kept.fate != LINE_IS_NOT_CUT) {
		const struct span line = { text, kept.line_length };

		take_line(&input, command_find(line), line, kept.fate);
	}
	if (session->keeping) {
		input.rest = (struct span){ end_of_line, length };
	} else {
		take_lines(&input, end_of_line, length);
	}
	end(&input);
}
