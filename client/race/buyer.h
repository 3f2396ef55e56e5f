/*
 * buyer: what one buyer does: it searches, waits for its turn, and buys. Runs in a process of
 * its own.
 */
#ifndef CLIENT_RACE_BUYER_H
#define CLIENT_RACE_BUYER_H

#include "client/race/heat.h"
#include "shared/process/process.h"

struct race_errand {
	const struct race_plan *plan;
	struct race_heat *heat;
	unsigned buyer; /* from 0 */
};

/*
 * Starts its process, which ends with the caller's. NULL, and PROBLEM (STORE_ERROR_SIZE bytes),
 * when it cannot. The caller owns it, and the errand is copied.
 */
struct process *race_buyer_start(const struct race_errand *errand, char *problem);

#endif
