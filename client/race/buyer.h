/*
 * buyer: what one buyer does: it searches, waits for its turn, and buys. Runs in a process of
 * its own.
 */
#ifndef CLIENT_RACE_BUYER_H
#define CLIENT_RACE_BUYER_H

#include "client/race/heat.h"

struct race_errand {
	const struct race_plan *plan;
	struct race_heat *heat;
	unsigned buyer; /* from 0 */
};

/* For process_start, with a struct race_errand; returns its exit status. */
int race_buyer_run(void *argument);

#endif
