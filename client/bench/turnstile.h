/*
 * turnstile: how turnstile is spoken to: lines, and on the echo port plain bytes.
 */
#ifndef CLIENT_BENCH_TURNSTILE_H
#define CLIENT_BENCH_TURNSTILE_H

#include "client/bench/plan.h"

const struct bench_protocol *bench_turnstile(enum bench_kind kind);

#endif
