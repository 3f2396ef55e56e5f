#include "server/http/metrics.h"

#include <inttypes.h>
#include <stdio.h>

#include "server/state/metric.h"
#include "shared/base/clock.h"

/* The bounds of buckets are powers of two of nanoseconds: 2^16 is 66 µs, 2^34 17 s. */
#define POWER_FIRST 16
#define POWER_LAST  34

#define LABELS_SIZE 128 /* bytes of what is a word: there are two */

static void write_type(struct reply *body, const char *name, const char *help, const char *type)
{
	reply_line(body, "# HELP %s %s.", name, help);
	reply_line(body, "# TYPE %s %s", name, type);
}

static void write_numbers(struct reply *body, struct session *session)
{
	const struct shared_state *shared = session->turn->shared;

	for (size_t i = 0; i < metric_count; i++) {
		const struct metric metric = metric_read(shared, i, turn_wall_ns(session->turn));

		if (metric.kind != METRIC_WORD) {
			write_type(body, metric.name, metric.help,
				   metric.kind == METRIC_COUNTER ? "counter" : "gauge");
			reply_line(body, "%s %" PRIu64, metric.name, metric.number);
		}
	}
}

/* What is a word and no number is a label. */
static void write_info(struct reply *body, struct session *session)
{
	const size_t prefix = sizeof("turnstile_") - 1;
	char labels[LABELS_SIZE];

	write_type(body, "turnstile_info", "What the server is", "gauge");
	int length = snprintf(labels, sizeof(labels), "version=\"" TURNSTILE_VERSION "\"");

	for (size_t i = 0; i < metric_count; i++) {
		const struct metric metric = metric_read(session->turn->shared, i, 0);

		if (metric.kind == METRIC_WORD) {
			length += snprintf(labels + length, sizeof(labels) - (size_t)length,
					   ",%s=\"%s\"", metric.name + prefix, metric.word);
		}
	}
	reply_line(body, "turnstile_info{%s} 1", labels);
}

static double seconds_of(uint64_t nanoseconds)
{
	return (double)nanoseconds / (double)NS_PER_SECOND;
}

static void write_histogram(struct reply *body, const struct metric_histogram *histogram)
{
	const struct histogram *values = &histogram->values;

	write_type(body, histogram->name, histogram->help, "histogram");
	for (unsigned power = POWER_FIRST; power <= POWER_LAST; power++) {
		reply_line(body, "%s_bucket{le=\"%.9f\"} %" PRIu64, histogram->name,
			   seconds_of(UINT64_C(1) << power), histogram_below(values, power));
	}
	uint64_t all = histogram_below(values, 64);

	reply_line(body, "%s_bucket{le=\"+Inf\"} %" PRIu64, histogram->name, all);
	reply_line(body, "%s_sum %.9f", histogram->name, seconds_of(atomic_load(&values->sum)));
	reply_line(body, "%s_count %" PRIu64, histogram->name, all);
}

static void write_workers(struct reply *body, const struct scoreboard *scoreboard)
{
	write_type(body, "turnstile_worker_deaths_total", "Workers that ended unasked", "counter");
	for (unsigned i = 0; i < scoreboard->workers; i++) {
		reply_line(body, "turnstile_worker_deaths_total{worker=\"%u\"} %u", i + 1,
			   atomic_load(&scoreboard->scores[i].deaths));
	}
}

static void write_events(struct reply *body, const struct stock_board *board)
{
	struct stock_board_event event;

	write_type(body, "turnstile_event_tickets", "Tickets of an event in all", "gauge");
	for (uint32_t i = 0; i < board->count; i++) {
		stock_board_read(board, i, &event);
		reply_line(body, "turnstile_event_tickets{event=\"%s\"} %" PRId64, event.name,
			   event.total);
	}
	write_type(body, "turnstile_event_tickets_left", "Of them, how many are left", "gauge");
	for (uint32_t i = 0; i < board->count; i++) {
		stock_board_read(board, i, &event);
		reply_line(body, "turnstile_event_tickets_left{event=\"%s\"} %" PRId64, event.name,
			   event.left);
	}
}

enum outcome metrics_show(struct session *session, const struct request *request,
			  struct span argument, struct response *response, struct problem *problem)
{
	const struct shared_state *shared = session->turn->shared;

	(void)request;
	(void)argument;
	(void)problem;
	response->type = "text/plain; version=0.0.4; charset=utf-8";
	write_numbers(&response->body, session);
	write_info(&response->body, session);
	for (enum metric_duration i = 0; i < METRIC_DURATIONS; i++) {
		const struct metric_histogram histogram = metric_read_histogram(shared, i);

		write_histogram(&response->body, &histogram);
	}
	write_workers(&response->body, shared->scoreboard);
	write_events(&response->body, shared->board);
	return OUTCOME_DONE;
}
