/*
 * intake: takes what a session's peer sends: cuts it into lines and gives each its turn.
 *
 * A line is carried out and its reply queued, or, when it cannot have its turn yet (a lock was
 * taken, or bookings before it are not answered), it is kept with all that came after it. It writes
 * to no socket and reads none: `session` hands it bytes and does what follows from its state.
 */
#ifndef SERVER_SESSION_INPUT_H
#define SERVER_SESSION_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/text/line.h"

struct session;

struct intake {
	struct line_reader lines;
	char *kept; /* input that has to wait: a line, and what came after it */
	uint32_t kept_length;
	uint32_t kept_line; /* bytes of `kept` that are the line */
	int64_t tokens_ns;  /* --rate: what it may still spend */
	uint8_t kept_fate;  /* of the kept line: enum line_fate */
	bool keeping;       /* `kept` holds something: no more is to be read */
};

void intake_init(struct intake *intake);
void intake_finish(struct intake *intake);

/* Takes LENGTH bytes at INPUT, which are the caller's. Not while the session is `keeping`. */
void intake_take(struct session *session, const char *input, size_t length);

/* Goes on with what was kept: the line that waited, then what came after it. */
void intake_go_on(struct session *session);

#endif
