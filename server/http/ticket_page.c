#include "server/http/ticket_page.h"

#include <inttypes.h>

#include "db/booking/ticket.h"
#include "server/booking/boxoffice.h"
#include "server/http/connection.h"
#include "server/http/page.h"
#include "server/http/tickets.h"

/* What the page shows. */
struct ticket_page {
	const struct booking_answer *answer;
	const char *title; /* of the event */
};

enum outcome ticket_page_show(struct session *session, const struct request *request,
			      struct span argument, struct response *response,
			      struct problem *problem)
{
	enum outcome outcome = tickets_show(session, request, argument, response, problem);

	if (outcome == OUTCOME_REFUSED) {
		page_problem(response, problem);
		return OUTCOME_DONE;
	}
	connection_of(session)->answers_page = outcome == OUTCOME_LATER;
	return outcome;
}

/* For people; the page's script has the same words. */
static const char *const state_words[] = {
	[TICKET_BOOKED] = "Valid",
	[TICKET_HELD] = "Held, not booked yet",
	[TICKET_CANCELLED] = "Cancelled",
	[TICKET_EXPIRED] = "Lapsed",
	[TICKET_ADMITTED] = "Used at the door",
};

/* Whether somebody is still to be let in with it. */
static bool is_good(const struct booking_answer *answer)
{
	return answer->state == TICKET_BOOKED || answer->state == TICKET_HELD;
}

static void fill(const void *context, struct span slot, struct reply *body)
{
	const struct ticket_page *page = context;
	const struct booking_answer *answer = page->answer;

	if (span_equals(slot, "code")) {
		page_text(body, answer->code);
	} else if (span_equals(slot, "event")) {
		page_text(body, answer->event);
	} else if (span_equals(slot, "title")) {
		page_text(body, page->title);
	} else if (span_equals(slot, "state")) {
		page_text(body, ticket_state_name(answer->state));
	} else if (span_equals(slot, "words")) {
		page_text(body, state_words[answer->state]);
	} else if (span_equals(slot, "quantity")) {
		page_add(body, "%" PRId64, answer->quantity);
	} else if (span_equals(slot, "qr") && !is_good(answer)) {
		page_add(body, " hidden");
	}
}

void ticket_page_answer(struct turn *turn, const struct booking_request *request,
			const struct booking_answer *answer, struct response *response)
{
	struct stock_board_event event;
	struct problem problem;

	if (boxoffice_problem(request, answer, &problem)) {
		page_problem(response, &problem);
		return;
	}
	const bool known = boxoffice_left(turn, answer->event, &event, &problem) == OUTCOME_DONE;
	const struct ticket_page page = { answer,
					  known && event.title[0] ? event.title : answer->event };

	page_write(response, "ticket.html", fill, &page);
	response_field(response, "X-Robots-Tag: noindex");
}
