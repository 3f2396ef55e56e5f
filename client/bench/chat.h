/*
 * chat: the members of one room: some speak, all hear.
 */
#ifndef CLIENT_BENCH_CHAT_H
#define CLIENT_BENCH_CHAT_H

#include "client/bench/plan.h"

void bench_chat(const struct bench_plan *plan, const struct bench_protocol *protocol,
		struct bench_result *result);

#endif
