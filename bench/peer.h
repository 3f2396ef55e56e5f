/*
 * peer: how the other servers are spoken to: for each, what it says in a bench of some kind, or
 * NULL where there is nothing to compare.
 */
#ifndef BENCH_PEER_H
#define BENCH_PEER_H

#include "client/bench/plan.h"

#define PEER_ROOM "bench"

const struct bench_speech *redis_speech(enum bench_kind kind);
const struct bench_speech *postgres_speech(enum bench_kind kind);
const struct bench_speech *irc_speech(enum bench_kind kind);
const struct bench_speech *nats_speech(enum bench_kind kind);
const struct bench_speech *http_speech(enum bench_kind kind);
const struct bench_speech *bare_speech(enum bench_kind kind);

#endif
