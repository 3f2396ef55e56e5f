/*
 * lines: the front that speaks the line protocol (docs/protocol.md).
 *
 * A peer's bytes are cut into lines (input.h), the table of commands carries each out (command.h),
 * and here is what the server says by itself: the greeting, refusals, answers to bookings, events.
 */
#ifndef SERVER_LINES_LINES_H
#define SERVER_LINES_LINES_H

#include "server/session/front.h"

extern const struct front lines_front;

/* Adds its greeting to the reply, or its words for a booking's answer: also for lines in frames. */
void lines_greeting(struct session *session);
void lines_answer(struct session *session, const struct booking_request *request,
		  const struct booking_answer *booking_answer);

#endif
