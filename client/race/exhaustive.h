/*
 * race_exhaustive: every order in which the steps of unlocked purchases can come. A purchase is two
 * steps: read what is left; and, if something was, sell one and write back one fewer. Pure: no
 * process, no store.
 */
#ifndef CLIENT_RACE_EXHAUSTIVE_H
#define CLIENT_RACE_EXHAUSTIVE_H

#include <stdint.h>
#include <stdio.h>

#define EXHAUSTIVE_BUYERS_MAX 5
#define EXHAUSTIVE_STEPS_MAX  (2 * EXHAUSTIVE_BUYERS_MAX)

struct exhaustive {
	unsigned buyers;
	int64_t tickets;
	uint64_t interleavings;
	uint64_t oversold;           /* of them */
	uint64_t orders;             /* with each purchase in one piece, as under a lock */
	uint64_t oversold_in_orders; /* of them: none */
	/* Of those that oversell, the first that does so soonest: who takes each step up to there.
	 */
	unsigned steps;
	unsigned who[EXHAUSTIVE_STEPS_MAX];
};

/* Tries them all; BUYERS is 1 to EXHAUSTIVE_BUYERS_MAX. */
void exhaustive_run(struct exhaustive *result, unsigned buyers, int64_t tickets);

/* "4 of 6 interleavings oversell", and the shortest, step by step; or one JSON object. */
void exhaustive_print(const struct exhaustive *result, FILE *to);
void exhaustive_print_json(const struct exhaustive *result, FILE *to);

#endif
