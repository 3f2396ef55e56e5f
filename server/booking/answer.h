/*
 * boxoffice_answer: what the clerk answered to a request, in the words of the protocol.
 */
#ifndef SERVER_BOOKING_ANSWER_H
#define SERVER_BOOKING_ANSWER_H

#include "db/booking/booking.h"
#include "server/session/reply.h"

/* Adds the final line to REPLY. */
void boxoffice_answer(const struct booking_request *request, const struct booking_answer *answer,
		      struct reply *reply);

#endif
