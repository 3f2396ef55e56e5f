/*
 * request: what a request says, as spans of the bytes that came; good for as long as they are.
 */
#ifndef SERVER_HTTP_REQUEST_H
#define SERVER_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "shared/text/words.h"

#define REQUEST_BODY_MOST (16 * 1024) /* bytes */

enum method {
	METHOD_GET,
	METHOD_HEAD,
	METHOD_POST,
	METHOD_PATCH,
	METHOD_DELETE,
	METHOD_OTHER /* nobody here takes it */
};

/* The fields that mean something here; each but a wish may be there once. */
enum field {
	FIELD_ACCEPT_ENCODING,
	FIELD_AUTHORIZATION,
	FIELD_CONTENT_LENGTH,
	FIELD_CONTENT_TYPE,
	FIELD_COOKIE,
	FIELD_EXPECT,
	FIELD_HOST,
	FIELD_IDEMPOTENCY_KEY,
	FIELD_IF_NONE_MATCH,
	FIELD_ORIGIN,
	FIELD_TRANSFER_ENCODING,
	FIELD_UPGRADE,
	FIELD_WEBSOCKET_KEY,
	FIELD_WEBSOCKET_PROTOCOL,
	FIELD_WEBSOCKET_VERSION,
	FIELDS
};

struct request {
	enum method method;
	struct span path;           /* as it came, without its query */
	struct span authority;      /* of the absolute form; its text is NULL in the usual one */
	struct span fields[FIELDS]; /* their values; the text is NULL where there is none */
	struct span body;
	size_t body_length; /* that it says it has; `body` may not be there yet */
	bool is_1_0;
	bool upgrades; /* asks for another protocol on this connection */
	bool ends;     /* the peer wants the connection to end after the answer */
};

static inline bool request_has(const struct request *request, enum field field)
{
	return request->fields[field].text;
}

#endif
