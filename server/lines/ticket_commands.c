#include "server/lines/ticket_commands.h"

#include <inttypes.h>
#include <string.h>

#include "server/booking/boxoffice.h"
#include "server/lines/listing.h"
#include "shared/text/line.h"
#include "shared/text/text.h"

/* What of "[QTY] [ttl=SECONDS] [tied] [key=KEY]" a command takes besides QTY. */
enum takes { TAKES_KEY = 1, TAKES_HOLD = 2 };

/* An event's name, to EVENT, which has NAME_EVENT_SIZE bytes. */
static enum outcome read_name(struct span word, char *event, struct problem *problem)
{
	if (!name_is_event(word)) {
		return refuse(problem, PROBLEM_BADARG, "EVENT is %s: 1 to %d of a-z, 0-9 and -",
			      word.length ? "malformed" : "missing", NAME_EVENT_SIZE - 1);
	}
	memcpy(event, word.text, word.length);
	event[word.length] = '\0';
	return OUTCOME_DONE;
}

static enum outcome read_key(struct span value, char *key, struct problem *problem)
{
	if (!name_is_key(value) || value.length < NAME_KEY_LEAST) {
		return refuse(
			problem, PROBLEM_BADARG,
			"KEY is %d to %d of A-Z a-z 0-9 . _ -, hard to guess: whoever knows it "
			"is told the code",
			NAME_KEY_LEAST, NAME_KEY_SIZE - 1);
	}
	memcpy(key, value.text, value.length);
	key[value.length] = '\0';
	return OUTCOME_DONE;
}

/* A number called NAME. */
static enum outcome read_number(struct span word, const char *name, int64_t least, int64_t most,
				int64_t *number, struct problem *problem)
{
	if (words_number(word, least, most, number)) {
		return OUTCOME_DONE;
	}
	return refuse(problem, PROBLEM_BADARG, "%s is a number from %" PRId64 " to %" PRId64, name,
		      least, most);
}

/* Which of them a line has so far: a second one is refused, or nobody could say which counts. */
struct given {
	bool quantity;
	bool key;
	bool seconds;
	bool tied;
};

/* Notes that WORD is there; false when it was before. */
static bool is_first(bool *given, struct span word, struct problem *problem)
{
	bool first = !*given;

	*given = true;
	if (!first) {
		(void)refuse(problem, PROBLEM_BADARG, "%.*s is there twice", (int)word.length,
			     word.text);
	}
	return first;
}

static enum outcome read_quantity(struct span word, struct given *given,
				  struct booking_request *request, struct problem *problem)
{
	if (given->quantity) {
		return refuse(problem, PROBLEM_BADARG,
			      "too many arguments, or unknown ones; see /help");
	}
	given->quantity = true;
	return read_number(word, "QTY", 1, STORE_TOTAL_MAX, &request->quantity, problem);
}

static enum outcome read_option(struct span word, enum takes takes, struct given *given,
				struct booking_request *request, struct problem *problem)
{
	struct span value;

	if ((takes & TAKES_KEY) && words_option(word, "key", &value)) {
		return is_first(&given->key, span_of("key="), problem)
			       ? read_key(value, request->key, problem)
			       : OUTCOME_REFUSED;
	}
	if ((takes & TAKES_HOLD) && words_option(word, "ttl", &value)) {
		return is_first(&given->seconds, span_of("ttl="), problem)
			       ? read_number(value, "SECONDS", 1, BOOKING_HOLD_SECONDS_MAX,
					     &request->seconds, problem)
			       : OUTCOME_REFUSED;
	}
	if ((takes & TAKES_HOLD) && span_equals_ignoring_case(word, "tied")) {
		request->tied = true;
		return is_first(&given->tied, word, problem) ? OUTCOME_DONE : OUTCOME_REFUSED;
	}
	return read_quantity(word, given, request, problem);
}

/* "EVENT [QTY] …" */
static enum outcome submit_booking(struct session *session, struct span arguments, enum takes takes,
				   struct booking_request *request, struct problem *problem)
{
	enum outcome outcome = read_name(words_next(&arguments), request->event, problem);
	struct given given = { .quantity = false };
	struct span word;

	request->quantity = 1;
	while (outcome == OUTCOME_DONE && (word = words_next(&arguments)).length > 0) {
		outcome = read_option(word, takes, &given, request, problem);
	}
	return outcome == OUTCOME_DONE ? boxoffice_submit(session, request, problem) : outcome;
}

enum outcome ticket_book(struct session *session, struct span arguments, struct reply *reply,
			 struct problem *problem)
{
	struct booking_request request = { .verb = BOOKING_BOOK };

	(void)reply;
	return submit_booking(session, arguments, TAKES_KEY, &request, problem);
}

enum outcome ticket_hold(struct session *session, struct span arguments, struct reply *reply,
			 struct problem *problem)
{
	struct booking_request request = { .verb = BOOKING_HOLD, .seconds = BOOKING_HOLD_SECONDS };

	(void)reply;
	return submit_booking(session, arguments, TAKES_KEY | TAKES_HOLD, &request, problem);
}

enum outcome ticket_wait(struct session *session, struct span arguments, struct reply *reply,
			 struct problem *problem)
{
	struct booking_request request = { .verb = BOOKING_WAIT };

	(void)reply;
	return submit_booking(session, arguments, 0, &request, problem);
}

/* "CODE" */
static enum outcome submit_code(struct session *session, struct span arguments,
				enum booking_verb verb, struct problem *problem)
{
	struct booking_request request = { .verb = verb };
	struct span code = words_next(&arguments);

	if (!code_is_well_formed(code) || code.length >= sizeof(request.code) ||
	    words_rest(arguments).length > 0) {
		return refuse(problem, PROBLEM_BADARG,
			      "CODE is 16 letters and digits: 7K3M-Q2XW-9FTA-0BHJ");
	}
	memcpy(request.code, code.text, code.length);
	return boxoffice_submit(session, &request, problem);
}

enum outcome ticket_confirm(struct session *session, struct span arguments, struct reply *reply,
			    struct problem *problem)
{
	(void)reply;
	return submit_code(session, arguments, BOOKING_CONFIRM, problem);
}

enum outcome ticket_cancel(struct session *session, struct span arguments, struct reply *reply,
			   struct problem *problem)
{
	(void)reply;
	return submit_code(session, arguments, BOOKING_CANCEL, problem);
}

enum outcome ticket_show(struct session *session, struct span arguments, struct reply *reply,
			 struct problem *problem)
{
	(void)reply;
	return submit_code(session, arguments, BOOKING_TICKET, problem);
}

enum outcome ticket_admit(struct session *session, struct span arguments, struct reply *reply,
			  struct problem *problem)
{
	(void)reply;
	return submit_code(session, arguments, BOOKING_ADMIT, problem);
}

enum outcome ticket_audit(struct session *session, struct span arguments, struct reply *reply,
			  struct problem *problem)
{
	struct booking_request request = { .verb = BOOKING_AUDIT };
	enum outcome outcome = read_name(words_next(&arguments), request.event, problem);

	(void)reply;
	return outcome == OUTCOME_DONE ? boxoffice_submit(session, &request, problem) : outcome;
}

/* Events */

static enum outcome read_action(struct span word, enum booking_verb *verb, struct problem *problem)
{
	static const struct {
		const char *word;
		enum booking_verb verb;
	} actions[] = { { "new", BOOKING_EVENT_NEW },
			{ "open", BOOKING_EVENT_OPEN },
			{ "close", BOOKING_EVENT_CLOSE },
			{ "grow", BOOKING_EVENT_GROW } };

	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		if (span_equals_ignoring_case(word, actions[i].word)) {
			*verb = actions[i].verb;
			return OUTCOME_DONE;
		}
	}
	return refuse(problem, PROBLEM_BADARG, "the first word is new, open, close or grow");
}

/* All that is left is the title. */
static enum outcome read_title(struct span *arguments, char *title, struct problem *problem)
{
	struct span typed = words_rest(*arguments);
	char clean[LINE_MAX_BYTES * TEXT_GROWTH];
	size_t length = text_clean(typed.text, typed.length, clean);

	*arguments = span_of("");
	if (length >= STORE_TITLE_SIZE) {
		return refuse(problem, PROBLEM_BADARG, "TITLE has at most %d bytes",
			      STORE_TITLE_SIZE - 1);
	}
	memcpy(title, clean, length);
	return OUTCOME_DONE;
}

/* What comes after the event's name. */
static enum outcome read_change(struct span arguments, struct booking_request *request,
				struct problem *problem)
{
	enum outcome outcome = OUTCOME_DONE;

	if (request->verb == BOOKING_EVENT_NEW) {
		outcome = read_number(words_next(&arguments), "TOTAL", 1, STORE_TOTAL_MAX,
				      &request->quantity, problem);
		if (outcome == OUTCOME_DONE) {
			outcome = read_title(&arguments, request->title, problem);
		}
	} else if (request->verb == BOOKING_EVENT_GROW) {
		outcome = read_number(words_next(&arguments), "N", -STORE_TOTAL_MAX,
				      STORE_TOTAL_MAX, &request->quantity, problem);
	}
	if (outcome == OUTCOME_DONE && words_rest(arguments).length > 0) {
		return refuse(problem, PROBLEM_BADARG, "too many arguments; see /help event");
	}
	return outcome;
}

enum outcome ticket_event(struct session *session, struct span arguments, struct reply *reply,
			  struct problem *problem)
{
	struct booking_request request = { .quantity = 0 };
	enum outcome outcome = read_action(words_next(&arguments), &request.verb, problem);

	(void)reply;
	if (outcome == OUTCOME_DONE) {
		outcome = read_name(words_next(&arguments), request.event, problem);
	}
	if (outcome == OUTCOME_DONE) {
		outcome = read_change(arguments, &request, problem);
	}
	return outcome == OUTCOME_DONE ? boxoffice_submit(session, &request, problem) : outcome;
}

enum outcome ticket_events(struct session *session, struct span arguments, struct reply *reply,
			   struct problem *problem)
{
	const struct stock_board *board = session->turn->shared->board;
	struct chat_listing *where = &listing_of(session)->where;
	struct stock_board_event event;

	(void)arguments;
	(void)problem;
	while (where->at < board->count) {
		stock_board_read(board, (uint32_t)where->at++, &event);
		reply_line(reply, "=%s %" PRId64 "/%" PRId64 " %s%s%s", event.name, event.left,
			   event.total, event.open ? "open" : "closed", *event.title ? " " : "",
			   event.title);
		if (listing_is_full(reply)) {
			return OUTCOME_MORE;
		}
	}
	reply_line(reply, "+events %" PRIu64, where->at);
	return OUTCOME_DONE;
}

enum outcome ticket_left(struct session *session, struct span arguments, struct reply *reply,
			 struct problem *problem)
{
	char name[NAME_EVENT_SIZE];
	struct stock_board_event event;
	enum outcome outcome = read_name(words_next(&arguments), name, problem);

	if (outcome == OUTCOME_DONE) {
		outcome = boxoffice_left(session->turn, name, &event, problem);
	}
	if (outcome == OUTCOME_DONE) {
		reply_line(reply, "+left %s %" PRId64 " %" PRId64, event.name, event.left,
			   event.total);
	}
	return outcome;
}
