/*
 * connection: how far the front is with the first of a peer's requests that are not answered. Their
 * bytes, and what a successor needs to know of it, are the session's rest (session/progress.h).
 */
#ifndef SERVER_HTTP_CONNECTION_H
#define SERVER_HTTP_CONNECTION_H

#include "server/http/head.h"
#include "server/session/session.h"

/* Flags of the rest. */
enum {
	KEPT_ANSWERED_ONE = 1 << 8,   /* it is not the connection's first */
	KEPT_HEAD_IS_WHOLE = 1 << 9,  /* and looked at */
	KEPT_WAITS = 1 << 10,         /* it is to be tried again, or is being answered */
	KEPT_ANSWERING = 1 << 11,     /* the clerk carries it out: what is kept comes behind it */
	KEPT_WITHOUT_BODY = 1 << 12,  /* HEAD */
	KEPT_LAST = 1 << 13,          /* the connection ends with its answer */
	KEPT_FOR_WEBSOCKET = 1 << 14, /* its peer was told that it has one, and is not greeted */
	KEPT_OF_OPERATOR = 1 << 15,   /* likewise: as an operator's */
	KEPT_OF_WEBSOCKET = 1 << 16,  /* all that is kept is websocket.h's */
	KEPT_ANSWERS_PAGE = 1 << 17,  /* to what the clerk carries out */
	KEPT_AMID_FRAMES = 1 << 18    /* of a WebSocket: where it is comes before the lines */
};

struct connection {
	struct session session;
	struct head head;
	uint32_t body_length; /* when its head is whole */
	bool head_is_whole;
	bool charged; /* --rate has counted it */
	bool last;
	bool without_body;
	bool answering;
	bool answered_one;
	bool answers_page; /* to what the clerk carries out: with a page, not with JSON */
	bool upgraded;     /* to a WebSocket: to be handed over */
	bool of_operator;
};

static inline struct connection *connection_of(struct session *session)
{
	return (struct connection *)session;
}

#endif
