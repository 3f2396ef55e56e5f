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

#endif
