/*
 * commands: the server's commands as its /help lists them: what the Tab key offers comes from here,
 * so that the client knows every command that the server knows. Pure.
 */
#ifndef CLIENT_CHAT_COMMANDS_H
#define CLIENT_CHAT_COMMANDS_H

#include <stddef.h>

#include "shared/text/words.h"

#define COMMANDS_MAX       64
#define COMMANDS_NAME_SIZE 24  /* bytes, the '/' and a NUL counted in */
#define COMMANDS_ARGS_SIZE 128 /* bytes, a NUL counted in */

struct command {
	char name[COMMANDS_NAME_SIZE]; /* "/book" */
	char arguments[COMMANDS_ARGS_SIZE];
};

struct commands {
	size_t count;
	struct command entries[COMMANDS_MAX];
};

/*
 * Takes in a row such as "/book EVENT [QTY] - books tickets"; the same command again is fine. A row
 * that is not of that form (a name of a to z, arguments in plain ASCII) is left out.
 */
void commands_read(struct commands *commands, struct span row);

/* The command of this NAME (case does not count), or NULL. */
const struct command *commands_find(const struct commands *commands, struct span name);

/* Splits a row at the first " - ": what to write, and what it does. */
void commands_split_row(struct span row, struct span *usage, struct span *help);

#endif
