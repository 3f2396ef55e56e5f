/*
 * peer: how the other servers are spoken to: for each, what it says in a bench of some kind, or
 * NULL where there is nothing to compare.
 */
#ifndef BENCH_PEER_H
#define BENCH_PEER_H

#include "client/bench/plan.h"

#define PEER_ROOM "bench"

/* "Host: 127.0.0.1:7080" and its end: where the bench is connected to. */
void bench_put_host(struct bench_text *text, const struct bench_plan *plan);

const struct bench_protocol *redis_protocol(enum bench_kind kind);
const struct bench_protocol *postgres_protocol(enum bench_kind kind);
const struct bench_protocol *irc_protocol(enum bench_kind kind);
const struct bench_protocol *nats_protocol(enum bench_kind kind);
const struct bench_protocol *http_protocol(enum bench_kind kind);
const struct bench_protocol *http_events_protocol(enum bench_kind kind);
const struct bench_protocol *websocket_protocol(enum bench_kind kind);
const struct bench_protocol *nchan_protocol(enum bench_kind kind);
const struct bench_protocol *mqtt_protocol(enum bench_kind kind);
const struct bench_protocol *bare_protocol(enum bench_kind kind);

#endif
