/*
 * peer: how the other servers are spoken to: for each, what it says in a bench of some kind, or
 * NULL where there is nothing to compare.
 */
#ifndef BENCH_PEER_H
#define BENCH_PEER_H

#include "client/bench/plan.h"

#define PEER_ROOM "bench"

const struct bench_protocol *redis_protocol(enum bench_kind kind);
const struct bench_protocol *postgres_protocol(enum bench_kind kind);
const struct bench_protocol *irc_protocol(enum bench_kind kind);
const struct bench_protocol *nats_protocol(enum bench_kind kind);
const struct bench_protocol *http_protocol(enum bench_kind kind);
const struct bench_protocol *bare_protocol(enum bench_kind kind);

#endif
