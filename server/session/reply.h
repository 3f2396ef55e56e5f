/*
 * reply: what is answered to what a peer asked for, put together in memory.
 *
 * A front fills it; only the session sends it. It knows no socket. One is kept a worker; replies to
 * what came together lie in it one behind the other.
 */
#ifndef SERVER_SESSION_REPLY_H
#define SERVER_SESSION_REPLY_H

#include <stddef.h>

#include "server/session/output.h"

#define REPLY_LINE_MAX 4095 /* bytes of one line, its LF counted in; longer ones are cut */

struct reply {
	char *text; /* in `block` */
	size_t length;
	size_t complete; /* of its bytes: whole replies to the commands before this one */
	size_t room;
	struct block *block;
	struct block **published; /* where a successor looks for it, or NULL */
	struct arena *arena;
};

/* One in that arena (NULL: in memory of our own); PUBLISHED follows its block. */
void reply_init(struct reply *reply, struct arena *arena, struct block **published);
void reply_clear(struct reply *reply);
void reply_finish(struct reply *reply);

/* This one is complete; what is added from here on is the reply to the next command. */
void reply_complete(struct reply *reply);

/* Takes the complete ones off its front, or what was added since off its end. */
void reply_drop_complete(struct reply *reply);
void reply_drop_incomplete(struct reply *reply);

/* Adds one line as it is: a row ("=…"), a final line ("+…"), an event; the LF is added. */
__attribute__((format(printf, 2, 3))) void reply_line(struct reply *reply, const char *format, ...);

/* Adds bytes as they are, for lines that are costly to format. */
void reply_bytes(struct reply *reply, const char *text, size_t length);

#endif
