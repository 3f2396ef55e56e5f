#include "server/http/tickets.h"

#include "db/booking/ticket.h"
#include "server/booking/boxoffice.h"
#include "server/http/body.h"
#include "server/http/events.h"
#include "shared/base/clock.h"

/* Selling */

static enum outcome read_key(const struct request *request, char *key, struct problem *problem)
{
	const struct span value = request->fields[FIELD_IDEMPOTENCY_KEY];

	if (!request_has(request, FIELD_IDEMPOTENCY_KEY)) {
		return OUTCOME_DONE;
	}
	if (!name_is_key(value) || value.length < NAME_KEY_LEAST) {
		return refuse(problem, PROBLEM_BADARG,
			      "Idempotency-Key is %d to %d of A-Z a-z 0-9 . _ -, hard to guess: "
			      "whoever knows it is told the code",
			      NAME_KEY_LEAST, NAME_KEY_SIZE - 1);
	}
	memcpy(key, value.text, value.length);
	key[value.length] = '\0';
	return OUTCOME_DONE;
}

/* MEMBERS are those that the verb takes. */
static enum outcome sell(struct session *session, const struct request *request,
			 struct span argument, const char *const *members,
			 struct booking_request *booking, struct response *response,
			 struct problem *problem)
{
	json_t *body = body_read(request, members, response);

	if (!body) {
		return OUTCOME_DONE;
	}
	booking->quantity = 1;
	enum outcome outcome = events_read_name(argument, booking->event, problem);

	if (outcome == OUTCOME_DONE) {
		outcome = body_number(body, "quantity", 1, STORE_TOTAL_MAX, &booking->quantity,
				      problem);
	}
	if (outcome == OUTCOME_DONE) {
		outcome = body_number(body, "ttl", 1, BOOKING_HOLD_SECONDS_MAX, &booking->seconds,
				      problem);
	}
	json_decref(body);
	if (outcome == OUTCOME_DONE) {
		outcome = read_key(request, booking->key, problem);
	}
	return outcome == OUTCOME_DONE ? boxoffice_submit(session, booking, problem) : outcome;
}

enum outcome tickets_book(struct session *session, const struct request *request,
			  struct span argument, struct response *response, struct problem *problem)
{
	static const char *const members[] = { "quantity", NULL };
	struct booking_request booking = { .verb = BOOKING_BOOK };

	return sell(session, request, argument, members, &booking, response, problem);
}

enum outcome tickets_hold(struct session *session, const struct request *request,
			  struct span argument, struct response *response, struct problem *problem)
{
	static const char *const members[] = { "quantity", "ttl", NULL };
	struct booking_request booking = { .verb = BOOKING_HOLD, .seconds = BOOKING_HOLD_SECONDS };

	return sell(session, request, argument, members, &booking, response, problem);
}

/* Codes */

static enum outcome submit_code(struct session *session, struct span code, enum booking_verb verb,
				struct problem *problem)
{
	struct booking_request booking = { .verb = verb };

	if (!code_is_well_formed(code) || code.length >= sizeof(booking.code)) {
		return refuse(problem, PROBLEM_NOTFOUND, "no such code");
	}
	memcpy(booking.code, code.text, code.length);
	return boxoffice_submit(session, &booking, problem);
}

enum outcome tickets_show(struct session *session, const struct request *request,
			  struct span argument, struct response *response, struct problem *problem)
{
	(void)request;
	(void)response;
	return submit_code(session, argument, BOOKING_TICKET, problem);
}

/* Nothing more is to be said: a body, if there is one, is an object without members. */
static enum outcome change(struct session *session, const struct request *request, struct span code,
			   enum booking_verb verb, struct response *response,
			   struct problem *problem)
{
	static const char *const members[] = { NULL };
	json_t *body = body_read(request, members, response);

	if (!body) {
		return OUTCOME_DONE;
	}
	json_decref(body);
	return submit_code(session, code, verb, problem);
}

enum outcome tickets_confirm(struct session *session, const struct request *request,
			     struct span argument, struct response *response,
			     struct problem *problem)
{
	return change(session, request, argument, BOOKING_CONFIRM, response, problem);
}

enum outcome tickets_cancel(struct session *session, const struct request *request,
			    struct span argument, struct response *response,
			    struct problem *problem)
{
	return change(session, request, argument, BOOKING_CANCEL, response, problem);
}

enum outcome tickets_admit(struct session *session, const struct request *request,
			   struct span argument, struct response *response, struct problem *problem)
{
	return change(session, request, argument, BOOKING_ADMIT, response, problem);
}

/* Answers */

static void show_ticket(const struct booking_answer *answer, unsigned status,
			struct response *response)
{
	json_t *ticket = json_pack("{s:s, s:s, s:I, s:s}", "code", answer->code, "event",
				   answer->event, "quantity", (json_int_t)answer->quantity, "state",
				   ticket_state_name(answer->state));

	if (answer->state == TICKET_HELD) {
		json_object_set_new(ticket, "seconds", json_integer(answer->seconds));
	}
	if (answer->admitted_ns != 0) {
		char when[CLOCK_TEXT_SIZE];

		clock_format(answer->admitted_ns, when);
		json_object_set_new(ticket, "admitted", json_string(when));
	}
	response_json(response, status, ticket);
}

static void show_audit(const struct booking_answer *answer, struct response *response)
{
	response_json(response, 200,
		      json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:b}", "event", answer->event,
				"sold", (json_int_t)answer->sold, "held", (json_int_t)answer->held,
				"free", (json_int_t)(answer->total - answer->sold - answer->held),
				"total", (json_int_t)answer->total, "admitted",
				(json_int_t)answer->admitted, "ok", 1));
}

/* As it stands on the board, which was brought up to date before the answer came. */
static void show_event(struct turn *turn, const char *name, unsigned status,
		       struct response *response)
{
	struct stock_board_event event;
	struct problem problem;

	if (boxoffice_left(turn, name, &event, &problem) != OUTCOME_DONE) {
		response_json(response, status, json_pack("{s:s}", "name", name));
		return;
	}
	response->status = status;
	response->type = RESPONSE_JSON;
	events_write(&response->body, &event);
}

void tickets_answer(struct turn *turn, const struct booking_request *request,
		    const struct booking_answer *answer, struct response *response)
{
	struct problem problem;

	if (boxoffice_problem(request, answer, &problem)) {
		response_problem(response, &problem);
		if (answer->outcome == BOOKING_KEY_TAKEN) {
			response->status = 422;
		}
		return;
	}
	switch (request->verb) {
	case BOOKING_BOOK:
	case BOOKING_HOLD: show_ticket(answer, answer->repeated ? 200 : 201, response); break;
	case BOOKING_AUDIT: show_audit(answer, response); break;
	case BOOKING_EVENT_NEW: show_event(turn, request->event, 201, response); break;
	case BOOKING_EVENT_OPEN:
	case BOOKING_EVENT_CLOSE:
	case BOOKING_EVENT_GROW: show_event(turn, request->event, 200, response); break;
	default: show_ticket(answer, 200, response); break;
	}
}
