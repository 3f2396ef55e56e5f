/*
 * report: says on stdout what came of a bench: for people, or as one JSON object in a line.
 */
#ifndef CLIENT_BENCH_REPORT_H
#define CLIENT_BENCH_REPORT_H

#include "client/bench/plan.h"

void bench_report_text(const struct bench_plan *plan, const struct bench_result *result);
void bench_report_json(const char *name, const struct bench_plan *plan,
		       const struct bench_result *result);

#endif
