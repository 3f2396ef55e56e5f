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

/* What LINE costs, whatever comes of it: as many as a cheap command, 1. */
unsigned command_cost(struct span line);

/* Whether LINE ends the connection once it is done. */
bool command_ends(struct span line);

/*
 * Carries one line out. With OUTCOME_AGAIN and OUTCOME_WAIT nothing happened, and the line is to be
 * given again; with OUTCOME_MORE likewise, for the reply's next piece.
 */
enum outcome command_carry_out(struct session *session, struct span line, struct reply *reply,
			       struct problem *problem);

#endif
