/*
 * connect: connections made, asked once, and closed; `clients` at a time.
 */
#ifndef CLIENT_BENCH_CONNECT_H
#define CLIENT_BENCH_CONNECT_H

#include "client/bench/plan.h"

void bench_connect(const struct bench_plan *plan, const struct bench_protocol *protocol,
		   struct bench_result *result);

#endif
