/*
 * handler: what carries a command out: reads its arguments, has the core do what is asked for, and
 * puts what comes of it into words.
 */
#ifndef SERVER_LINES_HANDLER_H
#define SERVER_LINES_HANDLER_H

#include "server/session/session.h"
#include "shared/text/words.h"

/* Adds rows and the final line to REPLY; with OUTCOME_REFUSED, PROBLEM becomes the final line. */
typedef enum outcome command_handler(struct session *session, struct span arguments,
				     struct reply *reply, struct problem *problem);

#endif
