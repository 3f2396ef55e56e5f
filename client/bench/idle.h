/*
 * idle: connections that say nothing: what they cost the server in memory.
 */
#ifndef CLIENT_BENCH_IDLE_H
#define CLIENT_BENCH_IDLE_H

#include "client/bench/plan.h"

void bench_idle(const struct bench_plan *plan, const struct bench_protocol *protocol,
		struct bench_result *result);

#endif
