#include "server/boxoffice.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "server/chat.h"
#include "shared/clock.h"
#include "shared/log.h"
#include "shared/text.h"

#define EVENT_LINE_SIZE 160

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

static bool read_seconds(struct span word, int64_t *seconds, struct reply *reply)
{
	if (!words_number(word, 1, BOOKING_HOLD_SECONDS_MAX, seconds)) {
		reply_error(reply, "BADARG", "SECONDS is a number from 1 to %d",
			    BOOKING_HOLD_SECONDS_MAX);
		return false;
	}
	return true;
}

/* What of "[QTY] [ttl=SECONDS] [tied] [key=KEY]" a command takes. */
enum takes { TAKES_KEY = 1, TAKES_HOLD = 2 };

static bool read_word(struct span word, enum takes takes, int64_t most, bool *has_quantity,
		      struct booking_request *request, struct reply *reply)
{
	struct span value;

	if ((takes & TAKES_KEY) && words_option(word, "key", &value)) {
		return copy_key(value, request->key, reply);
	}
	if ((takes & TAKES_HOLD) && words_option(word, "ttl", &value)) {
		return read_seconds(value, &request->seconds, reply);
	}
	if ((takes & TAKES_HOLD) && span_equals_ignoring_case(word, "tied")) {
		request->tied = true;
		return true;
	}
	if (*has_quantity) {
		reply_error(reply, "BADARG", "too many arguments, or unknown ones; see /help");
		return false;
	}
	*has_quantity = true;
	return read_quantity(word, &request->quantity, most, reply);
}

/* "EVENT [QTY] …" */
static bool read_booking(const struct session *session, struct span arguments, enum takes takes,
			 struct booking_request *request, struct reply *reply)
{
	int64_t most = session->worker->commons->options->max_quantity;
	bool has_quantity = false;
	struct span word;

	request->quantity = 1;
	if (!copy_event(words_next(&arguments), request->event, reply)) {
		return false;
	}
	while ((word = words_next(&arguments)).length > 0) {
		if (!read_word(word, takes, most, &has_quantity, request, reply)) {
			return false;
		}
	}
	return true;
}

/* Puts a request on the desk; the clerk will answer SESSION, unless that is NULL. */
static bool put_on_desk(struct worker *worker, const struct session *session,
			const struct booking_request *request)
{
	struct desk_slot *slot = desk_reserve(worker->commons->desk, worker->number);

	if (!slot) {
		return false;
	}
	slot->seat = session ? session->place : 0;
	slot->session = session ? session->number : 0;
	slot->request = *request;
	desk_submit(worker->commons->desk, worker->number);
	worker->submitted = true;
	return true;
}

static enum outcome submit(struct session *session, const struct booking_request *request)
{
	return put_on_desk(session->worker, session, request) ? OUTCOME_LATER : OUTCOME_AGAIN;
}

static struct booking_client client_of(const struct session *session)
{
	return (struct booking_client){ session->number, session->worker->number, session->place };
}

enum outcome boxoffice_book(struct session *session, struct span arguments, struct reply *reply)
{
	struct booking_request request = { .verb = BOOKING_BOOK };
	bool good = read_booking(session, arguments, TAKES_KEY, &request, reply);

	return good ? submit(session, &request) : OUTCOME_DONE;
}

enum outcome boxoffice_hold(struct session *session, struct span arguments, struct reply *reply)
{
	struct booking_request request = { .verb = BOOKING_HOLD,
					   .seconds = BOOKING_HOLD_SECONDS,
					   .client = client_of(session) };

	if (!read_booking(session, arguments, TAKES_KEY | TAKES_HOLD, &request, reply)) {
		return OUTCOME_DONE;
	}
	session->seat->has_ties |= request.tied;
	return submit(session, &request);
}

enum outcome boxoffice_wait(struct session *session, struct span arguments, struct reply *reply)
{
	struct booking_request request = { .verb = BOOKING_WAIT, .client = client_of(session) };

	if (!read_booking(session, arguments, 0, &request, reply)) {
		return OUTCOME_DONE;
	}
	session->seat->has_ties = true;
	return submit(session, &request);
}

static enum outcome submit_code(struct session *session, struct span arguments,
				enum booking_verb verb, struct reply *reply)
{
	struct booking_request request = { .verb = verb };
	struct span code = words_next(&arguments);

	if (!code_is_well_formed(code) || code.length >= sizeof(request.code) ||
	    words_rest(arguments).length > 0) {
		reply_error(reply, "BADARG", "CODE is 16 letters and digits: 7K3M-Q2XW-9FTA-0BHJ");
		return OUTCOME_DONE;
	}
	memcpy(request.code, code.text, code.length);
	return submit(session, &request);
}

enum outcome boxoffice_confirm(struct session *session, struct span arguments, struct reply *reply)
{
	return submit_code(session, arguments, BOOKING_CONFIRM, reply);
}

enum outcome boxoffice_cancel(struct session *session, struct span arguments, struct reply *reply)
{
	return submit_code(session, arguments, BOOKING_CANCEL, reply);
}

enum outcome boxoffice_ticket(struct session *session, struct span arguments, struct reply *reply)
{
	return submit_code(session, arguments, BOOKING_TICKET, reply);
}

enum outcome boxoffice_admit(struct session *session, struct span arguments, struct reply *reply)
{
	return submit_code(session, arguments, BOOKING_ADMIT, reply);
}

enum outcome boxoffice_audit(struct session *session, struct span arguments, struct reply *reply)
{
	struct booking_request request = { .verb = BOOKING_AUDIT };
	bool good = copy_event(words_next(&arguments), request.event, reply);

	return good ? submit(session, &request) : OUTCOME_DONE;
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

static void reply_ticket(const struct booking_answer *answer, const char *word, struct reply *reply)
{
	reply_line(reply, "+%s %s %s %" PRId64, word, answer->code, answer->event,
		   answer->quantity);
}

static void reply_booked(const struct booking_answer *answer, struct reply *reply)
{
	if (answer->state == TICKET_HELD) {
		reply_line(reply, "+held %s %s %" PRId64 " %" PRId64, answer->code, answer->event,
			   answer->quantity, answer->seconds);
	} else {
		reply_ticket(answer, "booked", reply);
	}
}

static void reply_done(const struct booking_request *request, const struct booking_answer *answer,
		       struct reply *reply)
{
	switch (request->verb) {
	case BOOKING_BOOK:
	case BOOKING_HOLD:
	case BOOKING_CONFIRM: reply_booked(answer, reply); break;
	case BOOKING_CANCEL: reply_ticket(answer, "cancelled", reply); break;
	case BOOKING_ADMIT: reply_ticket(answer, "admitted", reply); break;
	case BOOKING_TICKET:
		reply_line(reply, "+ticket %s %s %" PRId64 " %s", answer->code, answer->event,
			   answer->quantity, ticket_state_name(answer->state));
		break;
	case BOOKING_WAIT:
		reply_line(reply, "+waiting %s %" PRId64 " %u", answer->event, answer->quantity,
			   answer->position);
		break;
	case BOOKING_AUDIT:
		reply_line(reply, "+audit %s %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " ok",
			   answer->event, answer->sold, answer->held,
			   answer->total - answer->sold - answer->held, answer->total);
		break;
	case BOOKING_EVENT_NEW:
	case BOOKING_EVENT_GROW:
		reply_line(reply, "+event %s %" PRId64, request->event, answer->total);
		break;
	case BOOKING_EVENT_OPEN: reply_line(reply, "+event %s open", request->event); break;
	case BOOKING_EVENT_CLOSE: reply_line(reply, "+event %s closed", request->event); break;
	case BOOKING_RELEASE: break;
	}
}

static void reply_limit(const struct booking_request *request, const struct booking_answer *answer,
			struct reply *reply)
{
	if (request->verb == BOOKING_WAIT) {
		reply_error(reply, "LIMIT", "%s has %" PRId64 " tickets in all", request->event,
			    answer->total);
	} else {
		reply_error(reply, "LIMIT",
			    "the total of %s is from %" PRId64
			    ", which are sold or held, to %" PRId64,
			    request->event, answer->sold + answer->held, STORE_TOTAL_MAX);
	}
}

static void reply_answer(const struct booking_request *request, const struct booking_answer *answer,
			 struct reply *reply)
{
	const char *event = request->event;

	switch (answer->outcome) {
	case BOOKING_DONE: reply_done(request, answer, reply); break;
	case BOOKING_NOT_FOUND:
		reply_error(reply, "NOTFOUND", "%s",
			    *event ? "no such event; /events lists them" : "no such code");
		break;
	case BOOKING_SOLD_OUT:
		reply_error(reply, "SOLDOUT", "%s %" PRId64, event, answer->left);
		break;
	case BOOKING_CLOSED: reply_error(reply, "CLOSED", "%s does not sell now", event); break;
	case BOOKING_KEY_TAKEN:
		reply_error(reply, "BADARG", "KEY was used for another request; choose a new one");
		break;
	case BOOKING_USED:
		reply_error(reply, "USED", "%s was %s before", answer->code,
			    ticket_state_name(answer->state));
		break;
	case BOOKING_EXPIRED: reply_error(reply, "EXPIRED", "%s lapsed", answer->code); break;
	case BOOKING_NOT_BOOKED:
		reply_error(reply, "BADARG", "%s is only held; /confirm it first", answer->code);
		break;
	case BOOKING_EXISTS: reply_error(reply, "EXISTS", "there is an event %s", event); break;
	case BOOKING_LIMIT: reply_limit(request, answer, reply); break;
	case BOOKING_FULL:
		reply_error(reply, "BUSY", "%d wait already, which is the most", WAITLIST_MAX);
		break;
	case BOOKING_MISMATCH:
		reply_error(reply, "INTERNAL",
			    "%s does not add up: its tickets say %" PRId64 " sold and %" PRId64
			    " held of %" PRId64 ", its counters say %" PRId64 " left",
			    event, answer->sold, answer->held, answer->total, answer->left);
		break;
	case BOOKING_FAILED:
		reply_error(reply, "INTERNAL", "the store failed; nothing was done");
		break;
	}
}

static void count(struct score *score, const struct desk_slot *slot)
{
	const struct booking_answer *answer = &slot->answer;
	bool sells = slot->request.verb == BOOKING_BOOK || slot->request.verb == BOOKING_CONFIRM;

	if (answer->outcome != BOOKING_DONE) {
		score_add(score, COUNTER_REFUSED, 1);
	} else if (sells && !answer->repeated) {
		score_add(score, COUNTER_BOOKED, (uint64_t)answer->quantity);
	}
}

/* A session's end that the store could not note: its holds and its place are still taken. */
static void keep_unreleased(struct worker *worker, uint64_t session)
{
	if (!desk_keep_unreleased(worker->commons->desk, worker->number, session)) {
		log_warning("too many connections ended while the store failed: what one of them "
			    "held lapses in its time");
	}
}

static void take_answers(struct worker *worker)
{
	struct desk *desk = worker->commons->desk;
	const struct desk_slot *slot;

	while ((slot = desk_answer(desk, worker->number)) != NULL) {
		struct session *session =
			slot->session ? session_find(worker, slot->seat, slot->session) : NULL;

		count(worker->score, slot);
		if (slot->request.verb == BOOKING_RELEASE &&
		    slot->answer.outcome == BOOKING_FAILED) {
			keep_unreleased(worker, slot->request.client.session);
		}
		if (session) {
			reply_clear(&worker->reply);
			reply_answer(&slot->request, &slot->answer, &worker->reply);
		}
		desk_take(desk, worker->number);
		if (session) {
			session_answered(session, &worker->reply);
		}
	}
}

static void tell(struct worker *worker, const struct booking_client *client, const char *line,
		 int length)
{
	struct session *session = session_find(worker, client->seat, client->session);

	if (session) {
		session_send(session, line, (size_t)length);
	}
}

static void take_offers(struct worker *worker)
{
	struct desk *desk = worker->commons->desk;
	const struct booking_offer *offer;
	char line[EVENT_LINE_SIZE];

	while ((offer = desk_offer(desk, worker->number)) != NULL) {
		int length = snprintf(line, sizeof(line), "*offer %s %s %" PRId64 " %" PRId64 "\n",
				      offer->code, offer->event, offer->quantity, offer->seconds);

		tell(worker, &offer->client, line, length);
		desk_take_offer(desk, worker->number);
	}
}

/* A waiter of this worker's whose position is another now. */
static void tell_position(struct worker *worker, struct waiter *waiter)
{
	char line[EVENT_LINE_SIZE];
	uint32_t position = waiter->position;
	const struct booking_client client = waiter->client;

	if (waiter->state != WAITER_WAITS || client.worker != worker->number || position == 0 ||
	    position == waiter->told) {
		return;
	}
	waiter->told = position;
	int length = snprintf(line, sizeof(line), "*waiting %.*s %" PRId64 " %u\n",
			      NAME_EVENT_SIZE - 1, waiter->event_name, waiter->quantity, position);

	tell(worker, &client, line, length);
}

static void tell_positions(struct worker *worker)
{
	struct waitlist *list = &worker->commons->desk->waitlist;

	if (worker->numberings != list->numberings) {
		worker->numberings = list->numberings;
		for (uint32_t i = 0; i < list->never_used; i++) {
			tell_position(worker, &list->waiters[i]);
		}
	}
}

void boxoffice_turn(struct worker *worker)
{
	take_answers(worker);
	take_offers(worker);
	tell_positions(worker);
}

bool boxoffice_has_news(const struct worker *worker)
{
	const struct desk *desk = worker->commons->desk;

	return desk_has_answer(desk, worker->number) ||
	       worker->numberings != desk->waitlist.numberings;
}

/* The end of sessions */

static bool submit_release(struct worker *worker, uint64_t session)
{
	const struct booking_request request = { .verb = BOOKING_RELEASE,
						 .client = { .session = session } };

	return put_on_desk(worker, NULL, &request);
}

static bool release(struct worker *worker, struct seat *seat)
{
	if (seat->has_ties && !submit_release(worker, seat->session)) {
		return false;
	}
	seat->has_ties = false;
	return true;
}

bool boxoffice_release(struct session *session)
{
	return !session->greeted || release(session->worker, session->seat);
}

void boxoffice_tick(struct worker *worker)
{
	struct desk *desk = worker->commons->desk;
	uint64_t session;

	/* Forgotten only then: twice does no harm, never would. */
	while ((session = desk_unreleased(desk, worker->number)) != 0 &&
	       submit_release(worker, session)) {
		desk_forget_unreleased(desk, worker->number);
	}
}

void boxoffice_sweep(struct worker *worker)
{
	struct commons *commons = worker->commons;
	uint32_t orphan = 0;

	take_answers(worker); /* nobody is here to hear them */
	take_offers(worker);
	for (; directory_next_orphan(commons->directory, worker->number, &orphan); orphan++) {
		while (!release(worker,
				directory_seat(commons->directory, worker->number, orphan))) {
			desk_call(commons->desk, worker->number);
			clock_sleep(NS_PER_MS);
			take_answers(worker);
		}
	}
}

static bool announce(struct worker *worker, const struct board_event *event)
{
	bool unlocked = worker->commons->options->serialize == SERIALIZE_NONE;
	char line[EVENT_LINE_SIZE];
	int length = snprintf(line, sizeof(line), "*sale %s %" PRId64 " %" PRId64 "%s\n",
			      event->name, event->left, event->total, unlocked ? " unlocked" : "");

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
