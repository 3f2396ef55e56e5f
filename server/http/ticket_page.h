/*
 * ticket_page: GET /t/CODE: a ticket, for people.
 */
#ifndef SERVER_HTTP_TICKET_PAGE_H
#define SERVER_HTTP_TICKET_PAGE_H

#include "db/booking/request.h"
#include "server/http/handler.h"

resource_handler ticket_page_show;

/* The page, once the clerk has looked the ticket up. */
void ticket_page_answer(struct turn *turn, const struct booking_request *request,
			const struct booking_answer *answer, struct response *response);

#endif
