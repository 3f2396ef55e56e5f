/*
 * run: a heat from its start to its verdict: the event in the store, the buyers' processes,
 * and what they left behind.
 */
#ifndef CLIENT_RACE_RUN_H
#define CLIENT_RACE_RUN_H

#include <stdbool.h>

#include "client/race/heat.h"
#include "shared/process/signal_flag.h"

/*
 * Runs a heat of STRATEGY by PLAN. False, and PROBLEM (STORE_ERROR_SIZE bytes), when the store or a
 * buyer failed. The caller handles no SQLite of its own meanwhile: buyers are forked. With *STOP
 * set (by a signal's handler) all buyers are killed, and it is false.
 */
bool race_heat_run(struct race_heat *heat, const struct race_plan *plan,
		   enum race_strategy strategy, const signal_flag *stop, char *problem);

/* Gives the heat's memory back. A heat that was never run is fine. */
void race_heat_finish(struct race_heat *heat);

#endif
