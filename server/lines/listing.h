/*
 * listing: a long reply that is made piece by piece, as its peer reads it.
 *
 * The handler of such a command asks for the session's listing, adds rows until listing_is_full,
 * and returns OUTCOME_MORE; then its line is kept, and the handler is called again when there is
 * room for more. So a reply of a megabyte is nowhere whole, and everything that was asked for after
 * it waits its turn.
 */
#ifndef SERVER_LINES_LISTING_H
#define SERVER_LINES_LISTING_H

#include <stdbool.h>
#include <stdint.h>

#include "server/chat/chat.h"
#include "server/session/reply.h"

struct listing {
	struct chat_listing where; /* how far it is */
	uint16_t room;
	int64_t wanted;
};

/* The listing that goes on, or a new one, all zero. Dies when memory is gone. */
struct listing *listing_of(struct session *session);

/* It has come to its end, or its peer has. */
void listing_finish(struct session *session);

/* Whether what was added since the last reply is a whole piece. */
bool listing_is_full(const struct reply *reply);

#endif
