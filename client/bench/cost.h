/*
 * cost: what a server's processes cost: processors' time and memory, of one process and all
 * its descendants together. Read from /proc; processes that come and go in between are counted as
 * far as their parents have reaped them.
 */
#ifndef CLIENT_BENCH_COST_H
#define CLIENT_BENCH_COST_H

#include <stdint.h>
#include <sys/types.h>

#include "client/bench/plan.h"

/*
 * Bytes of memory, what is shared counted in parts (PSS); -1 if ROOT is 0 or there is no such
 * process.
 */
int64_t bench_cost_memory(pid_t root);

/* What a measured stretch took, from its beginning to its end. */
struct bench_meter {
	int64_t begun_ns;
	int64_t cpu_ns;
	int64_t own_cpu_ns;
};

void bench_meter_begin(struct bench_meter *meter, const struct bench_plan *plan);
void bench_meter_end(const struct bench_meter *meter, const struct bench_plan *plan,
		     struct bench_result *result);

#endif
