#include "server/http/pages.h"

#include <inttypes.h>
#include <string.h>

#include "server/booking/boxoffice.h"
#include "server/http/events.h"
#include "server/http/page.h"

/* What the box office shows. */
struct office {
	const struct stock_board *board;
	const struct stock_board_event *opened; /* NULL: none */
};

static const char *title_of(const struct stock_board_event *event)
{
	return event->title[0] ? event->title : event->name;
}

/* One row; the page's script reads what it needs from the attributes. */
static void write_event(const struct stock_board_event *event, struct reply *body)
{
	reply_line(body,
		   "<li data-event=\"%s\" data-left=\"%" PRId64 "\" data-total=\"%" PRId64
		   "\" data-open=\"%s\">",
		   event->name, event->left, event->total, event->open ? "yes" : "no");
	reply_line(body, "<a href=\"/e/%s\">", event->name);
	page_text(body, title_of(event));
	reply_line(body, "</a>");
	if (event->open) {
		reply_line(body, "<p><b>%" PRId64 "</b> of %" PRId64 " left</p>", event->left,
			   event->total);
	} else {
		reply_line(body, "<p>not on sale</p>");
	}
	reply_line(body, "</li>");
}

static void write_events(const struct office *office, struct reply *body)
{
	const uint32_t count = office->board->count;
	struct stock_board_event event;

	for (uint32_t i = 0; i < count; i++) {
		stock_board_read(office->board, i, &event);
		write_event(&event, body);
	}
}

static void fill_office(const void *context, struct span slot, struct reply *body)
{
	const struct office *office = context;

	if (span_equals(slot, "title")) {
		page_text(body, office->opened ? title_of(office->opened) : "Box office");
	} else if (span_equals(slot, "events")) {
		write_events(office, body);
	}
}

static enum outcome show_office(struct session *session, const struct request *request,
				const struct stock_board_event *opened, struct response *response)
{
	const struct office office = { session->turn->shared->board, opened };

	page_write(response, "office.html", fill_office, &office);
	page_validate(request, response);
	return OUTCOME_DONE;
}

enum outcome pages_office(struct session *session, const struct request *request,
			  struct span argument, struct response *response, struct problem *problem)
{
	(void)argument;
	(void)problem;
	return show_office(session, request, NULL, response);
}

enum outcome pages_event(struct session *session, const struct request *request,
			 struct span argument, struct response *response, struct problem *problem)
{
	char name[NAME_EVENT_SIZE];
	struct stock_board_event event;

	if (events_read_name(argument, name, problem) != OUTCOME_DONE ||
	    boxoffice_left(session->turn, name, &event, problem) != OUTCOME_DONE) {
		page_missing(response);
		return OUTCOME_DONE;
	}
	return show_office(session, request, &event, response);
}

enum outcome pages_door(struct session *session, const struct request *request,
			struct span argument, struct response *response, struct problem *problem)
{
	(void)session;
	(void)argument;
	(void)problem;
	page_write(response, "door.html", NULL, NULL);
	page_validate(request, response);
	return OUTCOME_DONE;
}

enum outcome pages_op(struct session *session, const struct request *request, struct span argument,
		      struct response *response, struct problem *problem)
{
	(void)session;
	(void)argument;
	(void)problem;
	page_write(response, "op.html", NULL, NULL);
	page_validate(request, response);
	return OUTCOME_DONE;
}
