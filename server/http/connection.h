/*
 * connection: what the front keeps for a peer: the bytes of requests that are not answered, and how
 * far it is with the first of them.
 */
#ifndef SERVER_HTTP_CONNECTION_H
#define SERVER_HTTP_CONNECTION_H

#include "server/http/head.h"
#include "server/http/site.h"
#include "server/session/session.h"

struct connection {
	struct session session;
	struct site site;
	char *kept; /* begins with the first request */
	uint32_t kept_length;
	uint32_t kept_room;
	struct head head;     /* of the first request */
	uint32_t body_length; /* likewise, when its head is whole */
	bool head_is_whole;
	bool charged;      /* --rate has counted it */
	bool last;         /* the connection ends with its answer */
	bool without_body; /* HEAD */
	bool answering;    /* the clerk carries it out */
	bool answered_one; /* it is not the connection's first */
	bool answers_page; /* to what the clerk carries out: with a page, not with JSON */
	bool upgraded;     /* to a WebSocket: to be handed over */
	bool of_operator;  /* likewise: as an operator's */
	int64_t deadline_ns; /* monotonic: by when something has to come; 0: it is our turn */
};

static inline struct connection *connection_of(struct session *session)
{
	return (struct connection *)session;
}

#endif
