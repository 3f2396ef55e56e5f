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
};

static inline struct lines_session *lines_session_of(struct session *session)
{
	return (struct lines_session *)session;
}

#endif
