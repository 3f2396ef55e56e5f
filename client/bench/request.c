#include <string.h>

#include "client/bench/benches.h"
#include "client/bench/cost.h"
#include "client/bench/load.h"
#include "shared/base/clock.h"

#define WARM_UP_NS (300 * NS_PER_MS)
#define TURN_NS    (100 * NS_PER_MS) /* the longest wait, to see that the time is over */

struct asking {
	int64_t asked;
	int64_t answered;
	struct bench_result *result;
};

static bool may_ask(const struct bench_load *load, const struct asking *asking)
{
	return load->plan->count == 0 || asking->asked < load->plan->count;
}

/* Puts one more request into the client's output. */
static void ask(struct bench_load *load, struct asking *asking, struct bench_client *client)
{
	client->asked_ns[client->asked % load->plan->pipeline] = clock_monotonic_ns();
	load->protocol->request(&client->output, load->plan, client->number, client->asked);
	client->asked++;
	asking->asked++;
}

static void count_answer(struct bench_load *load, struct asking *asking,
			 struct bench_client *client, enum bench_take take)
{
	int64_t asked_ns = client->asked_ns[client->answered % load->plan->pipeline];

	client->answered++;
	asking->answered++;
	asking->result->operations++;
	if (take == BENCH_REFUSED) {
		asking->result->refused++;
	}
	histogram_add(&asking->result->latency,
		      load->now_ns > asked_ns ? (uint64_t)(load->now_ns - asked_ns) : 0);
}

static size_t hear(struct bench_load *load, struct bench_client *client, const char *bytes,
		   size_t length)
{
	struct asking *asking = load->owner;
	size_t used = 0;

	while (used < length) {
		size_t taken = 0;
		enum bench_take take =
			load->protocol->take(load->plan, bytes + used, length - used, &taken);

		if (take == BENCH_MORE) {
			break;
		}
		used += taken;
		if (take == BENCH_OTHER || client->answered == client->asked) {
			continue;
		}
		count_answer(load, asking, client, take);
		if (may_ask(load, asking)) {
			ask(load, asking, client);
		}
	}
	bench_load_flush(load, client);
	return used;
}

static void ask_first(struct bench_load *load, struct asking *asking)
{
	for (unsigned i = 0; i < load->client_count; i++) {
		struct bench_client *client = &load->clients[i];

		for (unsigned n = 0; n < load->plan->pipeline && may_ask(load, asking); n++) {
			ask(load, asking, client);
		}
		bench_load_flush(load, client);
	}
}

/* Until all is answered, or the time is over. */
static void keep_on(struct bench_load *load, const struct asking *asking, int64_t duration_ns)
{
	const int64_t end_ns = clock_deadline(duration_ns);

	load->now_ns = clock_monotonic_ns();
	while (load->now_ns < end_ns && asking->answered < asking->asked &&
	       load->broken < load->client_count) {
		bench_load_turn(load,
				TURN_NS < end_ns - load->now_ns ? TURN_NS : end_ns - load->now_ns);
	}
}

void bench_request(const struct bench_plan *plan, const struct bench_protocol *protocol,
		   struct bench_result *result)
{
	struct asking asking = { .result = result };
	struct bench_load load = { .owner = &asking, .hear = hear };
	struct bench_meter meter;

	bench_load_open(&load, plan, protocol, plan->clients, plan->pipeline * BENCH_MESSAGE_MAX);
	if (plan->count == 0) {
		ask_first(&load, &asking);
		keep_on(&load, &asking, WARM_UP_NS);
		memset(result, 0, sizeof(*result));
	}
	bench_meter_begin(&meter, plan);
	if (plan->count != 0) {
		ask_first(&load, &asking);
	}
	keep_on(&load, &asking, plan->duration_ns);
	bench_meter_end(&meter, plan, result);
	result->broken = load.broken;
	bench_load_close(&load);
}
