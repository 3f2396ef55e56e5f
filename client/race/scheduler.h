/*
 * scheduler: lets a heat's real processes go one step at a time, in the order of a schedule.
 *
 * Each buyer runs as in any other heat, but stops before each of its steps (stop.h). One is let go,
 * and the next only when it stands before its next step or has ended. Nothing here makes up what
 * came of it: that is counted in the store afterwards, and compared with the model.
 */
#ifndef CLIENT_RACE_SCHEDULER_H
#define CLIENT_RACE_SCHEDULER_H

#include <stdbool.h>
#include <stdio.h>

#include "client/race/heat.h"
#include "shared/process/signal_flag.h"

/*
 * Runs the buyers of HEAT by PLAN's schedule, which the model has found possible; those who have
 * not ended then are killed. False, and PROBLEM (STORE_ERROR_SIZE bytes), when a process does not
 * do what is its next step, or *STOP is set.
 */
bool race_scheduler_run(const struct race_plan *plan, struct race_heat *heat,
			const signal_flag *stop, char *problem);

/* Whether the store says of HEAT what the model does; both are said TO, unless that is NULL. */
bool race_scheduler_compare(const struct race_plan *plan, const struct race_heat *heat, FILE *to);

#endif
