/*
 * lines_session: what the line protocol keeps for a session.
 */
#ifndef SERVER_LINES_LINES_SESSION_H
#define SERVER_LINES_LINES_SESSION_H

#include <stdint.h>

#include "server/session/session.h"
#include "shared/text/line.h"

struct listing; /* listing.h */

struct lines_session {
	struct session session;
	struct line_reader lines;
	char *kept; /* input that has to wait: a line, and what came after it */
	uint32_t kept_length;
	uint32_t kept_line;      /* bytes of `kept` that are the line */
	uint8_t kept_fate;       /* of the kept line: enum line_fate */
	struct listing *listing; /* a reply of which the next piece is still to come; or NULL */
};

static inline struct lines_session *lines_session_of(struct session *session)
{
	return (struct lines_session *)session;
}

#endif
