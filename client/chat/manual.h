/*
 * manual: the server's commands as its /help lists them: what the Tab key offers comes from here,
 * so that the client knows every command that the server knows. Pure.
 */
#ifndef CLIENT_CHAT_MANUAL_H
#define CLIENT_CHAT_MANUAL_H

#include <stddef.h>

#include "shared/text/words.h"

#define MANUAL_MAX       64
#define MANUAL_NAME_SIZE 24  /* bytes, the '/' and a NUL counted in */
#define MANUAL_ARGS_SIZE 128 /* bytes, a NUL counted in */

struct manual_entry {
	char name[MANUAL_NAME_SIZE]; /* "/book" */
	char arguments[MANUAL_ARGS_SIZE];
};

struct manual {
	size_t count;
	struct manual_entry entries[MANUAL_MAX];
};

/* Takes in a row such as "/book EVENT [QTY] - books tickets"; the same command again is fine. */
void manual_read(struct manual *manual, struct span row);

/* The command of this NAME (case does not count), or NULL. */
const struct manual_entry *manual_find(const struct manual *manual, struct span name);

/* Splits a row at the first " - ": what to write, and what it does. */
void manual_split(struct span row, struct span *usage, struct span *help);

#endif
