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
	int64_t most;                           /* tickets at once */
};

static const char *title_of(const struct stock_board_event *event)
{
	return event->title[0] ? event->title : event->name;
}

/* Whoever has no script sees it as it was then, and is told so; a script keeps it up to date. */
static void write_left(const struct stock_board_event *event, struct reply *body)
{
	if (event && event->open) {
		page_add(body,
			 "<b>%" PRId64 "</b> <span class=\"of\">of %" PRId64
			 " left</span> <span class=\"asof\">when you opened this page</span>",
			 event->left, event->total);
	} else {
		page_add(body, "<b></b> <span class=\"of\">not on sale</span> "
			       "<span class=\"asof\"></span>");
	}
}

static bool has_some(const struct stock_board_event *event)
{
	return event->open && event->left > 0;
}

static void write_bar(const struct stock_board_event *event, struct reply *body)
{
	if (event) {
		page_add(body, " max=\"%" PRId64 "\" value=\"%" PRId64 "\"", event->total,
			 has_some(event) ? event->left : 0);
	}
}

/* One row; the page's script reads what it needs from the attributes. */
static void write_event(const struct stock_board_event *event, struct reply *body)
{
	page_add(body,
		 "<li class=\"event%s\" data-event=\"%s\" data-left=\"%" PRId64
		 "\" data-total=\"%" PRId64 "\" data-open=\"%s\">\n<a href=\"/e/%s\">",
		 has_some(event) ? "" : " gone", event->name, event->left, event->total,
		 event->open ? "yes" : "no", event->name);
	page_text(body, title_of(event));
	page_add(body, "</a>\n<div class=\"event-stub\">\n<p class=\"left\">");
	write_left(event, body);
	page_add(body, "</p>\n<progress aria-hidden=\"true\"");
	write_bar(event, body);
	page_add(body, "></progress>\n</div>\n</li>\n");
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

static void write_title(const struct office *office, struct reply *body)
{
	page_text(body, office->opened ? title_of(office->opened) : "Box office");
}

static void fill_office(const void *context, struct span slot, struct reply *body)
{
	const struct office *office = context;
	const bool opened = office->opened;

	if (span_equals(slot, "title")) {
		write_title(office, body);
	} else if (span_equals(slot, "events")) {
		write_events(office, body);
	} else if (span_equals(slot, "left")) {
		write_left(office->opened, body);
	} else if (span_equals(slot, "bar")) {
		write_bar(office->opened, body);
	} else if (span_equals(slot, "most")) {
		page_add(body, "%" PRId64, office->most);
	} else if (span_equals(slot, "lead") && office->board->count == 0) {
		page_add(body, "There is nothing on sale yet.");
	} else if (span_equals(slot, opened ? "list" : "opened")) {
		page_add(body, " hidden");
	}
}

static enum outcome show_office(struct session *session, const struct request *request,
				const struct stock_board_event *opened, struct response *response)
{
	const struct shared_state *shared = session->turn->shared;
	const int64_t most = shared->options->max_quantity;
	const struct office office = { shared->board, opened, most ? most : STORE_TOTAL_MAX };

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
