/*
 * tickets: the API's requests on tickets and on events. What the clerk has to say comes later, as
 * the front's answer (tickets_answer).
 */
#ifndef SERVER_HTTP_TICKETS_H
#define SERVER_HTTP_TICKETS_H

#include "db/booking/request.h"
#include "server/http/handler.h"

resource_handler tickets_book, tickets_hold, tickets_show, tickets_confirm, tickets_cancel,
	tickets_admit;

/* The answer to a booking. */
void tickets_answer(struct turn *turn, const struct booking_request *request,
		    const struct booking_answer *answer, struct response *response);

#endif
