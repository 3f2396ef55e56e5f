/*
 * pending: the commands that were sent and not yet answered, in their order, and which of them are
 * to be sent again after the connection was lost.
 *
 * The server answers every command with exactly one final line, in order, so the oldest entry is
 * the one that a final line or a row belongs to. A booking with a key may be sent again, whatever
 * became of the first: it is sold once. Pure: it sends nothing itself.
 */
#ifndef CLIENT_CHAT_PENDING_H
#define CLIENT_CHAT_PENDING_H

#include <stdbool.h>
#include <stddef.h>

#include "shared/text/line.h"
#include "shared/text/name.h"
#include "shared/text/words.h"

#define PENDING_MAX       64
#define PENDING_LINE_SIZE (LINE_MAX_BYTES + NAME_KEY_SIZE + 8)

enum pending_purpose {
	PENDING_TYPED, /* the user wants to see the answer */
	PENDING_ASIDE, /* the client asked: rows are of interest, the final line is not */
	PENDING_QUIET  /* the client asked for itself */
};

struct pending_entry {
	enum pending_purpose purpose;
	unsigned sent; /* how many times */
	size_t length;
	char line[PENDING_LINE_SIZE]; /* without its end */
};

struct pending {
	size_t first, count;
	struct pending_entry entries[PENDING_MAX]; /* a ring */
};

/* Adds a command; NULL when there are too many unanswered, or it is too long. */
struct pending_entry *pending_add(struct pending *pending, struct span line,
				  enum pending_purpose purpose);

/* The one that the next final line answers, or NULL. It is good until the next call. */
const struct pending_entry *pending_oldest(const struct pending *pending);
void pending_answered(struct pending *pending);

/* The INDEXth oldest, from 0 on. */
const struct pending_entry *pending_at(const struct pending *pending, size_t index);

/*
 * The connection is lost: keeps what may be sent again, in order, and forgets the rest. Returns how
 * many of the user's commands were forgotten.
 */
size_t pending_keep_bookings(struct pending *pending);

/* Whether LINE may be sent again without harm: a booking with a key, or a confirmation. */
bool pending_repeatable(struct span line);

/*
 * Writes LINE to KEYED (PENDING_LINE_SIZE bytes), with " key=KEY" behind it if it is a /book or
 * /hold that has none. Returns the length; 0 when it does not fit.
 */
size_t pending_add_key(struct span line, const char *key, char *keyed);

#endif
