/*
 * request: the benches echo, ping and book: every client keeps `pipeline` requests in flight.
 */
#ifndef CLIENT_BENCH_REQUEST_H
#define CLIENT_BENCH_REQUEST_H

#include "client/bench/plan.h"

void bench_request(const struct bench_plan *plan, const struct bench_protocol *protocol,
		   struct bench_result *result);

#endif
