/*
 * benches: the list of all of them; bench.c has a row for each. Each stands in the file of its
 * name.
 */
#ifndef CLIENT_BENCH_BENCHES_H
#define CLIENT_BENCH_BENCHES_H

#include "client/bench/plan.h"

/* Echo, ping and book: every client keeps `pipeline` requests in flight. */
void bench_request(const struct bench_plan *plan, const struct bench_protocol *protocol,
		   struct bench_result *result);

/* The members of one room: some speak, all hear. */
void bench_chat(const struct bench_plan *plan, const struct bench_protocol *protocol,
		struct bench_result *result);

/* Connections made, asked once, and closed; `clients` at a time. */
void bench_connect(const struct bench_plan *plan, const struct bench_protocol *protocol,
		   struct bench_result *result);

/* Connections that say nothing: what they cost the server in memory. */
void bench_idle(const struct bench_plan *plan, const struct bench_protocol *protocol,
		struct bench_result *result);

#endif
