#include "server/http/events.h"

#include <inttypes.h>
#include <stdio.h>

#include "server/booking/boxoffice.h"
#include "server/http/body.h"
#include "shared/text/text.h"

enum outcome events_read_name(struct span argument, char *event, struct problem *problem)
{
	if (!name_is_event(argument)) {
		return refuse(problem, PROBLEM_NOTFOUND, "no such event");
	}
	memcpy(event, argument.text, argument.length);
	event[argument.length] = '\0';
	return OUTCOME_DONE;
}

static int add_to_body(const char *bytes, size_t length, void *body)
{
	reply_bytes(body, bytes, length);
	return 0;
}

/* By hand, since there may be a thousand: of all its members only the title can need care. */
void events_write(struct reply *body, const struct stock_board_event *event)
{
	char start[NAME_EVENT_SIZE + 32];
	json_t *title = response_text(event->title);
	int length = snprintf(start, sizeof(start), "{\"name\":\"%s\",\"title\":", event->name);

	reply_bytes(body, start, (size_t)length);
	(void)json_dump_callback(title, add_to_body, body, JSON_ENCODE_ANY);
	json_decref(title);
	reply_line(body, ",\"total\":%" PRId64 ",\"left\":%" PRId64 ",\"open\":%s}", event->total,
		   event->left, event->open ? "true" : "false");
}

enum outcome events_list(struct session *session, const struct request *request,
			 struct span argument, struct response *response, struct problem *problem)
{
	const struct stock_board *board = session->turn->shared->board;
	const uint32_t count = board->count;
	struct stock_board_event event;

	(void)request;
	(void)argument;
	(void)problem;
	response->type = RESPONSE_JSON;
	reply_line(&response->body, "{\"events\":[");
	for (uint32_t i = 0; i < count; i++) {
		stock_board_read(board, i, &event);
		events_write(&response->body, &event);
		if (i + 1 < count) {
			reply_bytes(&response->body, ",", 1);
		}
	}
	reply_line(&response->body, "]}");
	return OUTCOME_DONE;
}

enum outcome events_show(struct session *session, const struct request *request,
			 struct span argument, struct response *response, struct problem *problem)
{
	char name[NAME_EVENT_SIZE];
	struct stock_board_event event;
	enum outcome outcome = events_read_name(argument, name, problem);

	(void)request;
	if (outcome == OUTCOME_DONE) {
		outcome = boxoffice_left(session->turn, name, &event, problem);
	}
	if (outcome == OUTCOME_DONE) {
		response->type = RESPONSE_JSON;
		events_write(&response->body, &event);
	}
	return outcome;
}

enum outcome events_audit(struct session *session, const struct request *request,
			  struct span argument, struct response *response, struct problem *problem)
{
	struct booking_request booking = { .verb = BOOKING_AUDIT };
	enum outcome outcome = events_read_name(argument, booking.event, problem);

	(void)request;
	(void)response;
	return outcome == OUTCOME_DONE ? boxoffice_submit(session, &booking, problem) : outcome;
}

/* "title", cleaned as everybody's text is. */
static enum outcome read_title(const json_t *body, char *title, struct problem *problem)
{
	struct span typed = { "", 0 };
	char clean[REQUEST_BODY_MOST * TEXT_GROWTH];

	if (!json_object_get(body, "title")) {
		return OUTCOME_DONE;
	}
	enum outcome outcome = body_text(body, "title", &typed, problem);
	size_t length = text_clean(typed.text, typed.length, clean);

	if (outcome == OUTCOME_DONE && length >= STORE_TITLE_SIZE) {
		return refuse(problem, PROBLEM_BADARG, "title has at most %d bytes",
			      STORE_TITLE_SIZE - 1);
	}
	if (outcome == OUTCOME_DONE) {
		memcpy(title, clean, length);
	}
	return outcome;
}

static enum outcome read_event(const json_t *body, struct booking_request *booking,
			       struct problem *problem)
{
	struct span name;
	enum outcome outcome = body_text(body, "name", &name, problem);

	if (outcome == OUTCOME_DONE &&
	    events_read_name(name, booking->event, problem) != OUTCOME_DONE) {
		return refuse(problem, PROBLEM_BADARG, "name is 1 to %d of a-z, 0-9 and -",
			      NAME_EVENT_SIZE - 1);
	}
	if (outcome == OUTCOME_DONE && !json_object_get(body, "total")) {
		return refuse(problem, PROBLEM_BADARG, "total is missing");
	}
	if (outcome == OUTCOME_DONE) {
		outcome =
			body_number(body, "total", 1, STORE_TOTAL_MAX, &booking->quantity, problem);
	}
	return outcome == OUTCOME_DONE ? read_title(body, booking->title, problem) : outcome;
}

enum outcome events_make(struct session *session, const struct request *request,
			 struct span argument, struct response *response, struct problem *problem)
{
	static const char *const members[] = { "name", "total", "title", NULL };
	struct booking_request booking = { .verb = BOOKING_EVENT_NEW };
	json_t *body = body_read(request, members, response);

	(void)argument;
	if (!body) {
		return OUTCOME_DONE;
	}
	enum outcome outcome = read_event(body, &booking, problem);

	json_decref(body);
	return outcome == OUTCOME_DONE ? boxoffice_submit(session, &booking, problem) : outcome;
}

/* What "grow" and "open" ask for; both are one change. */
static enum outcome read_change(const json_t *body, struct booking_request *booking,
				struct problem *problem)
{
	bool opens_or_closes, opens;
	enum outcome outcome = body_number(body, "grow", -STORE_TOTAL_MAX, STORE_TOTAL_MAX,
					   &booking->quantity, problem);

	if (outcome == OUTCOME_DONE) {
		outcome = body_flag(body, "open", &opens_or_closes, &opens, problem);
	}
	if (outcome != OUTCOME_DONE) {
		return outcome;
	}
	booking->verb = BOOKING_EVENT_GROW;
	if (json_object_get(body, "grow")) {
		booking->sale = !opens_or_closes ? BOOKING_SALE_AS_IT_WAS
				: opens          ? BOOKING_SALE_OPEN
						 : BOOKING_SALE_CLOSED;
		return OUTCOME_DONE;
	}
	if (!opens_or_closes) {
		return refuse(problem, PROBLEM_BADARG, "open or grow is missing");
	}
	booking->verb = opens ? BOOKING_EVENT_OPEN : BOOKING_EVENT_CLOSE;
	return OUTCOME_DONE;
}

enum outcome events_change(struct session *session, const struct request *request,
			   struct span argument, struct response *response, struct problem *problem)
{
	static const char *const members[] = { "open", "grow", NULL };
	struct booking_request booking = { .quantity = 0 };
	json_t *body = body_read(request, members, response);

	if (!body) {
		return OUTCOME_DONE;
	}
	enum outcome outcome = events_read_name(argument, booking.event, problem);

	if (outcome == OUTCOME_DONE) {
		outcome = read_change(body, &booking, problem);
	}
	json_decref(body);
	return outcome == OUTCOME_DONE ? boxoffice_submit(session, &booking, problem) : outcome;
}
