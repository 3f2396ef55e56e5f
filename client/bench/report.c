#include "client/bench/report.h"

#include <stdio.h>

#include "shared/base/clock.h"

static double each(int64_t total, int64_t count, double unit)
{
	return count > 0 ? (double)total / (double)count / unit : 0;
}

static double quantile_ms(const struct bench_result *result, double part)
{
	return (double)histogram_quantile(&result->latency, part) / (double)NS_PER_MS;
}

/* A figure, or null when it was not asked for. */
static void print_figure(const char *name, int64_t total, int64_t count, double unit)
{
	if (total < 0) {
		printf(", \"%s\": null", name);
	} else {
		printf(", \"%s\": %.4f", name, each(total, count, unit));
	}
}

void bench_report_json(const char *name, const struct bench_plan *plan,
		       const struct bench_result *result)
{
	const double seconds = (double)result->elapsed_ns / (double)NS_PER_SECOND;

	printf("{\"bench\": \"%s\", \"clients\": %u, \"seconds\": %.3f, "
	       "\"operations\": %lld, \"per_second\": %.1f, "
	       "\"p50_ms\": %.4f, \"p99_ms\": %.4f, \"longest_ms\": %.4f, "
	       "\"refused\": %lld, \"lost\": %lld, \"out_of_order\": %lld, "
	       "\"other_orders\": %lld, \"broken\": %lld",
	       name, plan->clients, seconds, (long long)result->operations,
	       (double)result->operations / seconds, quantile_ms(result, 0.5),
	       quantile_ms(result, 0.99), quantile_ms(result, 1), (long long)result->refused,
	       (long long)result->lost, (long long)result->disordered,
	       (long long)result->other_orders, (long long)result->broken);
	print_figure("cpu_us", result->cpu_ns, result->operations, (double)NS_PER_US);
	print_figure("own_cpu_us", result->own_cpu_ns, result->operations, (double)NS_PER_US);
	if (plan->kind == BENCH_IDLE) {
		print_figure("memory_kib", result->memory_bytes, result->operations, 1024);
	}
	printf("}\n");
}

static void print_trouble(const struct bench_result *result)
{
	if (result->refused > 0) {
		printf("refused         %lld\n", (long long)result->refused);
	}
	if (result->broken > 0) {
		printf("closed on us    %lld connections\n", (long long)result->broken);
	}
}

static void print_room(const struct bench_result *result)
{
	printf("lost            %lld\nout of order    %lld\n", (long long)result->lost,
	       (long long)result->disordered);
	if (result->lost == 0) {
		printf("another order   %lld members\n", (long long)result->other_orders);
	}
}

void bench_report_text(const struct bench_plan *plan, const struct bench_result *result)
{
	const double seconds = (double)result->elapsed_ns / (double)NS_PER_SECOND;

	if (plan->kind == BENCH_IDLE) {
		printf("connections     %lld\n", (long long)result->operations);
		if (result->memory_bytes >= 0) {
			printf("server memory   %.2f KiB a connection\n",
			       each(result->memory_bytes, result->operations, 1024));
		}
	} else {
		printf("%-15s %lld in %.2f s, %.0f a second\n",
		       plan->kind == BENCH_CHAT ? "deliveries" : "operations",
		       (long long)result->operations, seconds,
		       (double)result->operations / seconds);
		printf("latency         p50 %.3f ms, p99 %.3f ms, longest %.3f ms\n",
		       quantile_ms(result, 0.5), quantile_ms(result, 0.99), quantile_ms(result, 1));
	}
	if (plan->server > 0 && result->cpu_ns >= 0) {
		printf("server CPU      %.3f us each\n",
		       each(result->cpu_ns, result->operations, (double)NS_PER_US));
	}
	if (plan->kind == BENCH_CHAT) {
		print_room(result);
	}
	print_trouble(result);
}
