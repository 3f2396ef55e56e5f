/*
 * interleavings: every order in which the steps of unlocked purchases can come. A purchase is two
 * steps: read what is left; and, if something was, sell one and write back one fewer. Pure: no
 * process, no store.
 */
#ifndef CLIENT_RACE_INTERLEAVINGS_H
#define CLIENT_RACE_INTERLEAVINGS_H

#include <stdint.h>
#include <stdio.h>

#define INTERLEAVINGS_BUYERS_MAX 5
#define INTERLEAVINGS_STEPS_MAX  (2 * INTERLEAVINGS_BUYERS_MAX)

struct interleavings {
	unsigned buyers;
	int64_t tickets;
	uint64_t interleavings;
	uint64_t oversold;           /* of them */
	uint64_t orders;             /* with each purchase in one piece, as under a lock */
	uint64_t oversold_in_orders; /* of them: none */
	/* The shortest way to oversell, and the first of those: who takes each step. */
	unsigned steps;
	unsigned who[INTERLEAVINGS_STEPS_MAX];
};

/* Tries them all; BUYERS is 1 to INTERLEAVINGS_BUYERS_MAX. */
void interleavings_run(struct interleavings *result, unsigned buyers, int64_t tickets);

/* "4 of 6 interleavings oversell", and the shortest, step by step; or one JSON object. */
void interleavings_print(const struct interleavings *result, FILE *to);
void interleavings_print_json(const struct interleavings *result, FILE *to);

#endif
