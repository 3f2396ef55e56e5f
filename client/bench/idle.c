#include "client/bench/benches.h"
#include "client/bench/cost.h"
#include "client/bench/load.h"
#include "shared/base/clock.h"

/* By then what the hellos made the server allocate is given back. */
#define SETTLE_NS NS_PER_SECOND

static size_t hear(struct bench_load *load, struct bench_client *client, const char *bytes,
		   size_t length)
{
	(void)load;
	(void)client;
	(void)bytes;
	return length;
}

static void settle(struct bench_load *load)
{
	const int64_t end_ns = clock_deadline(SETTLE_NS);

	for (load->now_ns = 0; load->now_ns < end_ns;) {
		bench_load_turn(load, end_ns - clock_monotonic_ns());
	}
}

void bench_idle(const struct bench_plan *plan, const struct bench_protocol *protocol,
		struct bench_result *result)
{
	struct bench_load load = { .hear = hear };
	struct bench_meter meter;
	int64_t before = bench_cost_memory(plan->server);

	bench_meter_begin(&meter, plan);
	bench_load_open(&load, plan, protocol, plan->clients, BENCH_MESSAGE_MAX);
	settle(&load);
	int64_t after = bench_cost_memory(plan->server);
	bench_meter_end(&meter, plan, result);
	result->memory_bytes = before < 0 || after < 0 ? -1 : after - before;
	result->operations = load.ready_count;
	result->broken = load.broken;
	bench_load_close(&load);
}
