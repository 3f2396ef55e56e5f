#include "server/booking/answer.h"
#include "db/booking/ticket.h"

#include <inttypes.h>

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

void boxoffice_answer(const struct booking_request *request, const struct booking_answer *answer,
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
