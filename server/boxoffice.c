#include "server/boxoffice.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "server/chat.h"
#include "shared/clock.h"
#include "shared/text.h"

#define SALE_LINE_SIZE 128

/* Reading arguments: each says what is wrong in the reply, and false */

static bool copy_event(struct span word, char *event, struct reply *reply)
{
	if (!name_is_event(word)) {
		reply_error(reply, "BADARG", "EVENT is %s: 1 to %d of a-z, 0-9 and -",
			    word.length ? "malformed" : "missing", NAME_EVENT_SIZE - 1);
		return false;
	}
	memcpy(event, word.text, word.length);
	event[word.length] = '\0';
	return true;
}

static bool copy_key(struct span value, char *key, struct reply *reply)
{
	if (!name_is_key(value)) {
		reply_error(reply, "BADARG", "KEY is 1 to %d of A-Z a-z 0-9 . _ -",
			    NAME_KEY_SIZE - 1);
		return false;
	}
	memcpy(key, value.text, value.length);
	key[value.length] = '\0';
	return true;
}

static bool read_quantity(struct span word, int64_t *quantity, int64_t most, struct reply *reply)
{
	if (!words_number(word, 1, STORE_TOTAL_MAX, quantity)) {
		reply_error(reply, "BADARG", "QTY is a number from 1 to %" PRId64, STORE_TOTAL_MAX);
		return false;
	}
	if (most > 0 && *quantity > most) {
		reply_error(reply, "LIMIT", "at most %" PRId64 " tickets a request", most);
		return false;
	}
	return true;
}

/* "EVENT [QTY] [key=KEY]" */
static bool read_booking(const struct session *session, struct span arguments,
			 struct booking_request *request, struct reply *reply)
{
	int64_t most = session->worker->commons->options->max_quantity;
	bool has_quantity = false;
	struct span word;
	struct span value;

	request->quantity = 1;
	if (!copy_event(words_next(&arguments), request->event, reply)) {
		return false;
	}
	while ((word = words_next(&arguments)).length > 0) {
		if (words_option(word, "key", &value)) {
			if (!copy_key(value, request->key, reply)) {
				return false;
			}
		} else if (!has_quantity) {
			has_quantity = true;
			if (!read_quantity(word, &request->quantity, most, reply)) {
				return false;
			}
		} else {
			reply_error(reply, "BADARG", "too many arguments: EVENT [QTY] [key=KEY]");
			return false;
		}
	}
	return true;
}

/* Puts a request on the desk; the clerk will answer. */
static enum outcome submit(struct session *session, const struct booking_request *request)
{
	struct worker *worker = session->worker;
	struct desk_slot *slot = desk_reserve(worker->commons->desk, worker->number);

	if (!slot) {
		return OUTCOME_AGAIN;
	}
	slot->seat = session->place;
	slot->session = session->number;
	slot->request = *request;
	desk_submit(worker->commons->desk, worker->number);
	worker->submitted = true;
	worker->bookings_under_way++;
	return OUTCOME_LATER;
}

enum outcome boxoffice_book(struct session *session, struct span arguments, struct reply *reply)
{
	struct booking_request request = { .verb = BOOKING_BOOK };

	return read_booking(session, arguments, &request, reply) ? submit(session, &request)
								 : OUTCOME_DONE;
}

static bool read_new(struct span arguments, struct booking_request *request, struct reply *reply)
{
	if (!words_number(words_next(&arguments), 1, STORE_TOTAL_MAX, &request->quantity)) {
		reply_error(reply, "BADARG", "TOTAL is a number from 1 to %" PRId64,
			    STORE_TOTAL_MAX);
		return false;
	}
	struct span title = words_rest(arguments);
	char clean[LINE_MAX_BYTES * TEXT_GROWTH];
	size_t length = text_clean(title.text, title.length, clean);

	if (length >= STORE_TITLE_SIZE) {
		reply_error(reply, "BADARG", "TITLE has at most %d bytes", STORE_TITLE_SIZE - 1);
		return false;
	}
	memcpy(request->title, clean, length);
	return true;
}

static bool read_event(struct span arguments, struct booking_request *request, struct reply *reply)
{
	struct span action = words_next(&arguments);

	if (span_equals_ignoring_case(action, "new")) {
		request->verb = BOOKING_EVENT_NEW;
	} else if (span_equals_ignoring_case(action, "open")) {
		request->verb = BOOKING_EVENT_OPEN;
	} else if (span_equals_ignoring_case(action, "close")) {
		request->verb = BOOKING_EVENT_CLOSE;
	} else if (span_equals_ignoring_case(action, "grow")) {
		request->verb = BOOKING_EVENT_GROW;
	} else {
		reply_error(reply, "BADARG", "the first word is new, open, close or grow");
		return false;
	}
	if (!copy_event(words_next(&arguments), request->event, reply)) {
		return false;
	}
	if (request->verb == BOOKING_EVENT_NEW) {
		return read_new(arguments, request, reply);
	}
	if (request->verb == BOOKING_EVENT_GROW &&
	    !words_number(words_next(&arguments), -STORE_TOTAL_MAX, STORE_TOTAL_MAX,
			  &request->quantity)) {
		reply_error(reply, "BADARG", "N is a number from %" PRId64 " to %" PRId64,
			    -STORE_TOTAL_MAX, STORE_TOTAL_MAX);
		return false;
	}
	if (words_rest(arguments).length > 0) {
		reply_error(reply, "BADARG", "too many arguments; see /help event");
		return false;
	}
	return true;
}

enum outcome boxoffice_event(struct session *session, struct span arguments, struct reply *reply)
{
	struct booking_request request = { .quantity = 0 };

	return read_event(arguments, &request, reply) ? submit(session, &request) : OUTCOME_DONE;
}

enum outcome boxoffice_events(struct session *session, struct span arguments, struct reply *reply)
{
	const struct board *board = session->worker->commons->board;
	uint32_t count = board->count;
	struct board_event event;

	(void)arguments;
	for (uint32_t i = 0; i < count; i++) {
		board_read(board, i, &event);
		reply_line(reply, "=%s %" PRId64 "/%" PRId64 " %s%s%s", event.name, event.left,
			   event.total, event.open ? "open" : "closed", *event.title ? " " : "",
			   event.title);
	}
	reply_line(reply, "+events %u", count);
	return OUTCOME_DONE;
}

enum outcome boxoffice_left(struct session *session, struct span arguments, struct reply *reply)
{
	char name[NAME_EVENT_SIZE];
	struct board_event event;
	uint32_t place;

	if (!copy_event(words_next(&arguments), name, reply)) {
		return OUTCOME_DONE;
	}
	if (!board_find(session->worker->commons->board, name, &place, &event)) {
		reply_error(reply, "NOTFOUND", "no such event; /events lists them");
		return OUTCOME_DONE;
	}
	reply_line(reply, "+left %s %" PRId64 " %" PRId64, event.name, event.left, event.total);
	return OUTCOME_DONE;
}

/* Answers */

static void reply_done(const struct booking_request *request, const struct booking_answer *answer,
		       struct reply *reply)
{
	switch (request->verb) {
	case BOOKING_BOOK:
		reply_line(reply, "+booked %s %s %" PRId64, answer->code, request->event,
			   answer->quantity);
		break;
	case BOOKING_EVENT_NEW:
	case BOOKING_EVENT_GROW:
		reply_line(reply, "+event %s %" PRId64, request->event, answer->total);
		break;
	case BOOKING_EVENT_OPEN: reply_line(reply, "+event %s open", request->event); break;
	case BOOKING_EVENT_CLOSE: reply_line(reply, "+event %s closed", request->event); break;
	}
}

static void reply_answer(const struct booking_request *request, const struct booking_answer *answer,
			 struct reply *reply)
{
	const char *event = request->event;

	switch (answer->outcome) {
	case BOOKING_DONE: reply_done(request, answer, reply); break;
	case BOOKING_NOT_FOUND:
		reply_error(reply, "NOTFOUND", "no event %s; /events lists them", event);
		break;
	case BOOKING_SOLD_OUT:
		reply_error(reply, "SOLDOUT", "%s %" PRId64, event, answer->left);
		break;
	case BOOKING_CLOSED: reply_error(reply, "CLOSED", "%s does not sell now", event); break;
	case BOOKING_KEY_TAKEN:
		reply_error(reply, "BADARG", "KEY was used for another request; choose a new one");
		break;
	case BOOKING_USED:
		reply_error(reply, "USED", "%s was cancelled or admitted", answer->code);
		break;
	case BOOKING_EXPIRED: reply_error(reply, "EXPIRED", "%s lapsed", answer->code); break;
	case BOOKING_EXISTS: reply_error(reply, "EXISTS", "there is an event %s", event); break;
	case BOOKING_LIMIT:
		reply_error(reply, "LIMIT",
			    "%s has %" PRId64 " tickets, %" PRId64
			    " of them not sold; the total can be as low as what is sold, and as "
			    "high as %" PRId64,
			    event, answer->total, answer->left, STORE_TOTAL_MAX);
		break;
	case BOOKING_FAILED:
		reply_error(reply, "INTERNAL", "the store failed; nothing was done");
		break;
	}
}

static void count(struct score *score, const struct desk_slot *slot)
{
	if (slot->request.verb != BOOKING_BOOK) {
		return;
	}
	if (slot->answer.outcome == BOOKING_DONE) {
		score_add(score, COUNTER_BOOKED, (uint64_t)slot->answer.quantity);
	} else {
		score_add(score, COUNTER_REFUSED, 1);
	}
}

void boxoffice_turn(struct worker *worker)
{
	struct desk *desk = worker->commons->desk;
	const struct desk_slot *slot;

	while ((slot = desk_answer(desk, worker->number)) != NULL) {
		struct session *session = session_find(worker, slot->seat, slot->session);

		count(worker->score, slot);
		if (session) {
			reply_clear(&worker->reply);
			reply_answer(&slot->request, &slot->answer, &worker->reply);
		}
		desk_take(desk, worker->number);
		worker->bookings_under_way -= worker->bookings_under_way > 0;
		if (session) {
			session_answered(session, &worker->reply);
		}
	}
}

static bool announce(struct worker *worker, const struct board_event *event)
{
	char line[SALE_LINE_SIZE];
	int length = snprintf(line, sizeof(line), "*sale %s %" PRId64 " %" PRId64 "\n", event->name,
			      event->left, event->total);

	return chat_announce(worker, event->name, line, (size_t)length);
}

void boxoffice_announce_sales(struct worker *worker)
{
	struct board *board = worker->commons->board;
	struct board_event event;
	int64_t wait_ns;

	worker->sale_at_ns = 0;
	for (uint32_t i = 0; i < board->count; i++) {
		if (board_claim_sale(board, i, worker_now_ns(worker), &event, &wait_ns) &&
		    !announce(worker, &event)) {
			board_return_sale(board, i);
			wait_ns = NS_PER_MS;
		}
		int64_t due_ns = worker_now_ns(worker) + wait_ns;

		if (wait_ns > 0 && (worker->sale_at_ns == 0 || due_ns < worker->sale_at_ns)) {
			worker->sale_at_ns = due_ns;
		}
	}
}
