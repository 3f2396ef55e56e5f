/*
 * interleavings: every order in which the steps of a few purchases can come under a strategy (see
 * model.h; nobody is killed), and how many of them oversell. Pure: no process, no store.
 */
#ifndef CLIENT_RACE_INTERLEAVINGS_H
#define CLIENT_RACE_INTERLEAVINGS_H

#include <stdint.h>
#include <stdio.h>

#include "client/race/model.h"

#define INTERLEAVINGS_BUYERS_MAX 5
#define INTERLEAVINGS_STEPS_MAX  (4 * INTERLEAVINGS_BUYERS_MAX)

struct interleavings {
	enum race_strategy strategy;
	unsigned buyers;
	int64_t tickets;
	uint64_t all;
	uint64_t oversold; /* of them */
	/* The shortest way to oversell, and the first of those; no steps where there is none. */
	unsigned steps;
	struct race_step shortest[INTERLEAVINGS_STEPS_MAX];
};

/* Counts them; BUYERS is 1 to INTERLEAVINGS_BUYERS_MAX. */
void interleavings_count(struct interleavings *result, enum race_strategy strategy, unsigned buyers,
			 int64_t tickets);

/* A table with a row for each of COUNT, and the shortest way of the first that has one, step by
 * step; or one JSON object. */
void interleavings_print(const struct interleavings *results, size_t count, FILE *to);
void interleavings_print_json(const struct interleavings *results, size_t count, FILE *to);

#endif
