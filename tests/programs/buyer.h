/*
 * buyer: a connection that asks for many tickets at once, without waiting, and notes the answers.
 *
 * Its requests are for one ticket each, with a key each: "PREFIX0", "PREFIX1" and so on.
 */
#ifndef TESTS_PROGRAMS_BUYER_H
#define TESTS_PROGRAMS_BUYER_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/programs/office.h"

#define BUYER_MAX 2000 /* requests */

struct buyer {
	struct talk talk;
	const char *event; /* its name: the caller's to keep */
	char prefix[16];
	unsigned asked, answered;
	unsigned booked, sold_out, failed;       /* of the answered ones */
	bool gone;                               /* the connection ended */
	char codes[BUYER_MAX][TICKET_CODE_SIZE]; /* "" where there is none */
};

/* Connects, greeted; WORKER is who is to serve it, or 0: any. */
void buyer_open(struct buyer *buyer, uint16_t port, unsigned worker, const char *event,
		const char *prefix);

/* Asks for so many more. */
void buyer_ask(struct buyer *buyer, unsigned count);

/* Notes the answers that are there; true when none is to come any more, or the connection ended. */
bool buyer_heard(struct buyer *buyer);

/* The same for COUNT of them. */
bool buyers_heard(struct buyer *buyers, unsigned count);

/* Whether each of its codes is a booked ticket's, as TALK is told. */
bool buyer_has_tickets(const struct buyer *buyer, struct talk *talk);

#endif
