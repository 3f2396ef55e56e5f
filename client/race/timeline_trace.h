/*
 * timeline_trace: a race as a trace (client/trace/trace.h): a process a heat and a thread a buyer,
 * slices within slices, counters, and an arrow from who leaves to who comes in for it. What cannot
 * be written shows in ferror.
 */
#ifndef CLIENT_RACE_TIMELINE_TRACE_H
#define CLIENT_RACE_TIMELINE_TRACE_H

#include <stdio.h>

#include "client/race/heat.h"

void timeline_write_trace(const struct race *race, FILE *to);

#endif
