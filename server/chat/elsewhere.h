/*
 * elsewhere: what one person does to one on another machine: told, looked for, kicked, muted; and
 * what others there do to people here.
 *
 * It goes as an errand (state/errands.h) over the bus, and who asked waits for the answer. What is
 * no longer possible within two seconds is given up: then it was not done, but where the answer
 * alone was lost.
 */
#ifndef SERVER_CHAT_ELSEWHERE_H
#define SERVER_CHAT_ELSEWHERE_H

#include "server/session/session.h"
#include "server/state/errands.h"

/* A name as it may be given: NICK or NICK@NODE. */
struct elsewhere_name {
	struct span nick;
	struct span node; /* empty: it is of this machine */
};

/* With a bus: takes NICK@NODE apart; one's own machine's name is left out. */
struct elsewhere_name elsewhere_read(const struct session *session, struct span name);

/* What is asked for. */
struct elsewhere_wish {
	enum errand_kind kind;
	struct elsewhere_name name;
	struct span text; /* as it was typed; may be empty */
	int64_t seconds;
};

struct elsewhere_answer {
	char name[NICK_AT_SIZE]; /* as it is spelled there */
	uint32_t worker;         /* ERRAND_WHERE: from 1 */
	int pid;
};

/* OUTCOME_WAIT: it is under way; the front is to ask the same again when it is told to go on. */
enum outcome elsewhere_ask(struct session *session, const struct elsewhere_wish *wish,
			   struct elsewhere_answer *answer, struct problem *problem);

/* What is kept for a worker: turn->elsewhere. */
void elsewhere_create(struct turn *turn);
void elsewhere_destroy(struct turn *turn);

/* Once a turn: who waits for an answer that is there goes on; what others ask is done. */
void elsewhere_turn(struct turn *turn);
bool elsewhere_has_news(const struct turn *turn);

/* When to look again, monotonic; INT64_MAX: not before there is news. */
int64_t elsewhere_due_ns(struct turn *turn);

#endif
