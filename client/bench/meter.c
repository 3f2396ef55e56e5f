#include "client/bench/cost.h"
#include "client/bench/run.h"
#include "shared/base/clock.h"

void bench_meter_begin(struct bench_meter *meter, const struct bench_plan *plan)
{
	meter->cpu_ns = bench_cost_cpu_ns(plan->server);
	meter->own_cpu_ns = bench_cost_own_ns();
	meter->begun_ns = clock_monotonic_ns();
}

void bench_meter_end(const struct bench_meter *meter, const struct bench_plan *plan,
		     struct bench_result *result)
{
	result->elapsed_ns = clock_monotonic_ns() - meter->begun_ns;
	result->own_cpu_ns = bench_cost_own_ns() - meter->own_cpu_ns;
	int64_t cpu_ns = bench_cost_cpu_ns(plan->server);
	result->cpu_ns = cpu_ns < 0 || meter->cpu_ns < 0 ? -1 : cpu_ns - meter->cpu_ns;
}
