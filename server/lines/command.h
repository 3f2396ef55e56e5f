/*
 * command: the table of commands, and the way from a line to its handler.
 *
 * A command is one row: its name, who may use it, its arguments and help as /help shows them, and
 * the handler that carries it out and fills the reply. All other lines are said in the current
 * room.
 */
#ifndef SERVER_LINES_COMMAND_H
#define SERVER_LINES_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "server/session/reply.h"
#include "server/session/session.h"
#include "shared/text/words.h"

enum outcome {
	OUTCOME_DONE,  /* the reply is complete */
	OUTCOME_LATER, /* the clerk will answer */
	OUTCOME_AGAIN, /* a lock was taken or a ring full: nothing was done, try again next turn */
	OUTCOME_WAIT,  /* not before the bookings under way are answered */
	OUTCOME_CLOSE  /* the reply is complete, then the end */
};

enum role { ROLE_ANYONE, ROLE_OPERATOR };

struct command {
	const char *name; /* without the slash */
	enum role role;
	bool pipelines;        /* goes to the clerk: need not wait for those before it */
	const char *arguments; /* "EVENT [QTY] [key=KEY]" */
	const char *help;
	enum outcome (*run)(struct session *session, struct span arguments, struct reply *reply);
};

/* All commands, in the order in which /help lists them. */
extern const struct command commands[];
extern const size_t command_count;

/*
 * Carries one line out. With OUTCOME_AGAIN and OUTCOME_WAIT nothing happened, and the line is to be
 * given again; otherwise REPLY holds what to send (it may be empty).
 */
enum outcome command_carry_out(struct session *session, struct span line, struct reply *reply);

#endif
