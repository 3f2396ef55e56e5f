/*
 * outbox: the commands that were sent and not yet answered, in their order, and which of them are
 * to be sent again after the connection was lost.
 *
 * The server answers every command with exactly one final line, in order, so the oldest entry is
 * the one that a final line or a row belongs to. A booking with a key may be sent again, whatever
 * became of the first: it is sold once. Pure: it sends nothing itself.
 */
#ifndef CLIENT_CHAT_OUTBOX_H
#define CLIENT_CHAT_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "shared/text/line.h"
#include "shared/text/name.h"
#include "shared/text/words.h"

#define OUTBOX_MAX       64
#define OUTBOX_LINE_SIZE (LINE_MAX_BYTES + NAME_KEY_SIZE + 8)

enum outbox_purpose {
	OUTBOX_TYPED, /* the user wants to see the answer */
	OUTBOX_ASIDE, /* the client asked: rows are of interest, the final line is not */
	OUTBOX_QUIET  /* the client asked for itself */
};

struct outbox_entry {
	enum outbox_purpose purpose;
	unsigned sent; /* how many times */
	size_t length;
	char line[OUTBOX_LINE_SIZE]; /* without its end */
};

struct outbox {
	size_t first, count;
	struct outbox_entry entries[OUTBOX_MAX]; /* a ring */
};

/* Adds a command; NULL when there are too many unanswered, or it is too long. */
struct outbox_entry *outbox_add(struct outbox *outbox, struct span line,
				enum outbox_purpose purpose);

/* The one that the next final line answers, or NULL. It is good until the next call. */
const struct outbox_entry *outbox_oldest(const struct outbox *outbox);
void outbox_answered(struct outbox *outbox);

/* The INDEXth oldest, from 0 on. */
const struct outbox_entry *outbox_at(const struct outbox *outbox, size_t index);

/*
 * The connection is lost: keeps what may be sent again, in order, and forgets the rest. Returns how
 * many of the user's commands were forgotten.
 */
size_t outbox_keep_bookings(struct outbox *outbox);

/* Whether LINE may be sent again without harm: a booking with a key, or a confirmation. */
bool outbox_repeatable(struct span line);

/*
 * Writes LINE to KEYED (OUTBOX_LINE_SIZE bytes), with " key=KEY" behind it if it is a /book or
 * /hold that has none. Returns the length; 0 when it does not fit.
 */
size_t outbox_add_key(struct span line, const char *key, char *keyed);

#endif
