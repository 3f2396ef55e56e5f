/*
 * words: what the core's values are in the line protocol: problems, answers to bookings, events.
 */
#ifndef SERVER_LINES_WORDS_H
#define SERVER_LINES_WORDS_H

#include <stddef.h>

#include "db/booking/booking.h"
#include "server/session/problem.h"
#include "server/session/reply.h"
#include "server/state/message.h"

/* Adds the final line of what did not work: "-CODE text". */
void words_problem(struct reply *reply, const struct problem *problem);

/* Adds the final line of a booking that was done. */
void words_booking(struct reply *reply, const struct booking_request *request,
		   const struct booking_answer *answer);

/* How long a message's line is at most; writes it, its LF counted in, and returns its length. */
size_t words_message_size(const struct message *message);
size_t words_message(const struct message *message, char *line);

/* How long the line is that BYTES begin with. */
size_t words_line_length(const char *bytes, size_t length);

#endif
