/*
 * booking_work: one request being carried out: what the rules for each verb work on.
 *
 * Made by booking.c for the time of one call; the event is the store's, all else is the caller's.
 */
#ifndef DB_BOOKING_WORK_H
#define DB_BOOKING_WORK_H

#include "db/booking/booking.h"

struct booking_work {
	const struct booking_context *context;
	const struct booking_request *request;
	struct booking_answer *answer;
	struct store_event *event;  /* NULL for the verbs that need none */
	struct store_ticket ticket; /* of the verbs that need one */
	enum ticket_kind kind;      /* of the ticket that the verb makes, if it makes one */
};

#endif
