/*
 * problem: why something that was asked for is not done, as a value: a code for programs, a text
 * for people. And outcome: what came of an operation of the core's.
 */
#ifndef SERVER_SESSION_PROBLEM_H
#define SERVER_SESSION_PROBLEM_H

#include <stdint.h>

#define PROBLEM_TEXT_SIZE 320 /* bytes, a NUL counted in; a longer one is cut */

enum outcome {
	OUTCOME_DONE,
	OUTCOME_REFUSED, /* the problem says why; nothing was done */
	OUTCOME_LATER,   /* the clerk will answer */
	OUTCOME_AGAIN, /* a lock was taken or a ring full: nothing was done, try again next turn */
	OUTCOME_WAIT,  /* nothing was done: not before what is under way is answered */
	OUTCOME_MORE, /* a front's: a piece of the reply is there; to be given again for the next */
	OUTCOME_CLOSE /* a front's: done, and the session ends */
};

enum problem_code {
	PROBLEM_BADCMD,
	PROBLEM_BADARG,
	PROBLEM_TOOLONG,
	PROBLEM_NOTFOUND,
	PROBLEM_NICKINUSE,
	PROBLEM_NOROOM,
	PROBLEM_SOLDOUT, /* `left` says how many there are */
	PROBLEM_CLOSED,
	PROBLEM_EXPIRED,
	PROBLEM_USED,
	PROBLEM_LIMIT,
	PROBLEM_EXISTS,
	PROBLEM_DENIED,
	PROBLEM_RATE,
	PROBLEM_BUSY,
	PROBLEM_INTERNAL,
	PROBLEM_INTERRUPTED /* it may have been carried out or not: ask again with the same key */
};

struct problem {
	enum problem_code code;
	int64_t left;    /* PROBLEM_SOLDOUT */
	int64_t wait_ns; /* PROBLEM_RATE, PROBLEM_BUSY: for so long; 0: that is not known */
	char text[PROBLEM_TEXT_SIZE];
};

/* Writes down why; returns OUTCOME_REFUSED. */
__attribute__((format(printf, 3, 4))) enum outcome refuse(struct problem *problem,
							  enum problem_code code,
							  const char *format, ...);

/* A code's name, as the line protocol spells it: "BADARG". */
const char *problem_code_name(enum problem_code code);

#endif
