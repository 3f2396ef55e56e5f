#include "server/booking/boxoffice.h"

#include <inttypes.h>

#include "server/booking/exchange.h"
#include "server/booking/request.h"
#include "server/session/session.h"

static enum outcome submit(struct session *session, const struct booking_request *request)
{
	return boxoffice_put(session->worker, session, request) ? OUTCOME_LATER : OUTCOME_AGAIN;
}

static struct booking_client client_of(const struct session *session)
{
	return (struct booking_client){ session->number, session->worker->number, session->place };
}

enum outcome boxoffice_book(struct session *session, struct span arguments, struct reply *reply)
{
	struct booking_request request = { .verb = BOOKING_BOOK };
	bool good =
		boxoffice_request_booking(session, arguments, BOXOFFICE_TAKES_KEY, &request, reply);

	return good ? submit(session, &request) : OUTCOME_DONE;
}

enum outcome boxoffice_hold(struct session *session, struct span arguments, struct reply *reply)
{
	struct booking_request request = { .verb = BOOKING_HOLD,
					   .seconds = BOOKING_HOLD_SECONDS,
					   .client = client_of(session) };

	if (!boxoffice_request_booking(session, arguments,
				       BOXOFFICE_TAKES_KEY | BOXOFFICE_TAKES_HOLD, &request,
				       reply)) {
		return OUTCOME_DONE;
	}
	session->seat->has_ties |= request.tied;
	return submit(session, &request);
}

enum outcome boxoffice_wait(struct session *session, struct span arguments, struct reply *reply)
{
	struct booking_request request = { .verb = BOOKING_WAIT, .client = client_of(session) };

	if (!boxoffice_request_booking(session, arguments, 0, &request, reply)) {
		return OUTCOME_DONE;
	}
	if (session->worker->shared->options->serialize == SERIALIZE_NONE) {
		reply_error(reply, "LIMIT",
			    "nobody can wait where bookings are in no row "
			    "(--serialize none)");
		return OUTCOME_DONE;
	}
	session->seat->has_ties = true;
	return submit(session, &request);
}

static enum outcome submit_code(struct session *session, struct span arguments,
				enum booking_verb verb, struct reply *reply)
{
	struct booking_request request = { .verb = verb };
	bool good = boxoffice_request_code(arguments, &request, reply);

	return good ? submit(session, &request) : OUTCOME_DONE;
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
	bool good = boxoffice_request_name(words_next(&arguments), request.event, reply);

	return good ? submit(session, &request) : OUTCOME_DONE;
}

enum outcome boxoffice_event(struct session *session, struct span arguments, struct reply *reply)
{
	struct booking_request request = { .quantity = 0 };
	bool good = boxoffice_request_event(arguments, &request, reply);

	return good ? submit(session, &request) : OUTCOME_DONE;
}

enum outcome boxoffice_events(struct session *session, struct span arguments, struct reply *reply)
{
	const struct stock_board *board = session->worker->shared->board;
	uint32_t count = board->count;
	struct stock_board_event event;

	(void)arguments;
	for (uint32_t i = 0; i < count; i++) {
		stock_board_read(board, i, &event);
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
	struct stock_board_event event;
	uint32_t place;

	if (!boxoffice_request_name(words_next(&arguments), name, reply)) {
		return OUTCOME_DONE;
	}
	if (!stock_board_find(session->worker->shared->board, name, &place, &event)) {
		reply_error(reply, "NOTFOUND", "no such event; /events lists them");
		return OUTCOME_DONE;
	}
	reply_line(reply, "+left %s %" PRId64 " %" PRId64, event.name, event.left, event.total);
	return OUTCOME_DONE;
}
