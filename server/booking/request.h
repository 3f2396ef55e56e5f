/*
 * boxoffice_request: reads the arguments of the commands that sell, and makes a booking request of
 * them.
 *
 * What is wrong with them is said in the reply, and then each of these is false. Whether there is
 * such an event or code only the clerk knows.
 */
#ifndef SERVER_BOOKING_REQUEST_H
#define SERVER_BOOKING_REQUEST_H

#include <stdbool.h>

#include "db/booking/booking.h"
#include "server/lines/command.h"

/* What of "[QTY] [ttl=SECONDS] [tied] [key=KEY]" a command takes. */
enum boxoffice_takes { BOXOFFICE_TAKES_KEY = 1, BOXOFFICE_TAKES_HOLD = 2 };

/* "EVENT [QTY] …" */
bool boxoffice_request_booking(const struct session *session, struct span arguments,
			       enum boxoffice_takes takes, struct booking_request *request,
			       struct reply *reply);

/* "CODE" */
bool boxoffice_request_code(struct span arguments, struct booking_request *request,
			    struct reply *reply);

/* "new|open|close|grow EVENT …": the verb, too. */
bool boxoffice_request_event(struct span arguments, struct booking_request *request,
			     struct reply *reply);

/* An event's name, to EVENT, which has NAME_EVENT_SIZE bytes. */
bool boxoffice_request_name(struct span word, char *event, struct reply *reply);

#endif
