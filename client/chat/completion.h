/*
 * completion: what the Tab key may put in place of the word before the cursor: commands, rooms,
 * nicks, events and codes, by what the server's own help says of each argument. Pure.
 */
#ifndef CLIENT_CHAT_COMPLETION_H
#define CLIENT_CHAT_COMPLETION_H

#include <stddef.h>

#include "client/chat/commands.h"
#include "client/chat/server_view.h"

#define COMPLETION_MAX       160
#define COMPLETION_WORD_SIZE NAME_ROOM_SIZE
#define COMPLETION_LIST_SIZE (COMPLETION_MAX * 2 * COMPLETION_WORD_SIZE)

struct completion {
	size_t replaced; /* bytes before the cursor that a word takes the place of */
	size_t count;
	char words[COMPLETION_MAX][COMPLETION_WORD_SIZE];
};

/* Finds what can follow, TEXT being what stands before the cursor. */
void completion_find(struct completion *completion, const struct commands *commands,
		     const struct server_view *view, struct span text);

/*
 * What to insert now, in INSERTED (COMPLETION_WORD_SIZE + 2 bytes, with a NUL): the only word and
 * what comes behind it (": " after a nick that begins a line, else a space), or as much as all of
 * them have in common; "" when that is no more than what is there.
 */
void completion_insert(const struct completion *completion, struct span text, char *inserted);

/*
 * Writes the words side by side in columns, as ls(1) does, for a terminal of COLUMNS; returns the
 * length. What LIST has no room for is left out.
 */
size_t completion_list(const struct completion *completion, size_t columns,
		       char list[COMPLETION_LIST_SIZE]);

#endif
