/*
 * command: the table of commands, and the way from a line to its handler.
 *
 * A command is one row: its name, who may use it, its arguments and help as /help shows them, and
 * the handler (handler.h). All other lines are said in the current room.
 */
#ifndef SERVER_LINES_COMMAND_H
#define SERVER_LINES_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "server/lines/handler.h"

enum role { ROLE_ANYONE, ROLE_OPERATOR };

struct command {
	const char *name; /* without the slash */
	enum role role;
	bool pipelines;        /* goes to the clerk: need not wait for those before it */
	const char *arguments; /* "EVENT [QTY] [key=KEY]" */
	const char *help;
	command_handler *run;
	unsigned cost; /* of --rate and of a share of the turn: as many cheap ones, which are 1 */
};

/* All commands, in the order in which /help lists them. */
extern const struct command commands[];
extern const size_t command_count;

/* The row of a whole line; NULL if it names none of the commands: a text, or a mistake. */
const struct command *command_find(struct span line);

/* What such a line costs, whatever comes of it: as many as a cheap command, 1. */
unsigned command_cost(const struct command *command);

/* Whether it ends the connection once it is done. */
bool command_ends(const struct command *command);

/*
 * Carries one line out, which command_find gave COMMAND for. With OUTCOME_AGAIN and OUTCOME_WAIT
 * nothing happened, and the line is to be given again; with OUTCOME_MORE likewise, for the reply's
 * next piece.
 */
enum outcome command_carry_out(struct session *session, const struct command *command,
			       struct span line, struct reply *reply, struct problem *problem);

#endif
