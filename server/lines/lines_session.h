/*
 * lines_session: what the line protocol has of a session beside its stream.
 */
#ifndef SERVER_LINES_LINES_SESSION_H
#define SERVER_LINES_LINES_SESSION_H

#include "server/session/session.h"

struct listing; /* listing.h */

struct lines_session {
	struct session session;
	struct listing *listing; /* a reply of which the next piece is still to come; or NULL */
	/* Of a front that keeps something of its own in the session's rest, before the lines'. */
	uint32_t before;      /* bytes of it now */
	uint32_t before_next; /* and after what is being taken */
	uint32_t flags;       /* of the rest: its own, after what is being taken */
};

static inline struct lines_session *lines_session_of(struct session *session)
{
	return (struct lines_session *)session;
}

#endif
