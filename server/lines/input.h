/*
 * input: takes what a session's peer sends: cuts it into lines and gives each its turn.
 *
 * A line is carried out and its reply queued, or, when it cannot have its turn yet (a lock was
 * taken, or bookings before it are not answered), it is kept with all that came after it, as is an
 * unfinished line: as the session's rest. It writes to no socket and reads none.
 */
#ifndef SERVER_LINES_INPUT_H
#define SERVER_LINES_INPUT_H

#include <stddef.h>

#include "server/session/session.h"

/* These are the front's (front.h). */
void input_take(struct session *session, char *bytes, size_t length);
void input_go_on(struct session *session);
bool input_revive(struct session *session);

#endif
