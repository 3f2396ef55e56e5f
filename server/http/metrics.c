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

static void write_metric_type(struct reply *body, const struct metric *metric)
{
	write_type(body, metric->name, metric->help,
		   metric->kind == METRIC_COUNTER ? "counter" : "gauge");
}

static void write_numbers(struct reply *body, struct session *session)
{
	const struct shared_state *shared = session->turn->shared;

	for (size_t i = 0; i < metric_count; i++) {
		const struct metric metric = metric_read(shared, i, turn_wall_ns(session->turn));

		if (metric.kind != METRIC_WORD) {
			write_metric_type(body, &metric);
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

/* What each worker is and did. */
enum worker_figure {
	WORKER_UP,
	WORKER_CONNECTIONS,
	WORKER_COMMANDS,
	WORKER_DELIVERIES,
	WORKER_BOOKED,
	WORKER_ADOPTED,
	WORKER_DEATHS,
	WORKER_FIGURES
};

static const struct metric worker_figures[WORKER_FIGURES] = {
	[WORKER_UP] = { .name = "turnstile_worker_up",
			.help = "Whether a worker serves",
			.kind = METRIC_GAUGE },
	[WORKER_CONNECTIONS] = { .name = "turnstile_worker_connections",
				 .help = "A worker's open connections",
				 .kind = METRIC_GAUGE },
	[WORKER_COMMANDS] = { .name = "turnstile_worker_commands_total",
			      .help = "Lines and requests that a worker carried out" },
	[WORKER_DELIVERIES] = { .name = "turnstile_worker_deliveries_total",
				.help = "Lines that a worker put into somebody's output" },
	[WORKER_BOOKED] = { .name = "turnstile_worker_booked_total",
			    .help = "Tickets that a worker's connections bought" },
	[WORKER_ADOPTED] = { .name = "turnstile_worker_adopted_total",
			     .help = "Connections that a worker went on with" },
	[WORKER_DEATHS] = { .name = "turnstile_worker_deaths_total",
			    .help = "Workers that ended unasked" },
};

static uint64_t read_worker(const struct score *score, enum worker_figure figure)
{
	switch (figure) {
	case WORKER_UP: return score->state == WORKER_SERVING;
	case WORKER_CONNECTIONS: return score->connections;
	case WORKER_COMMANDS: return score->counters[COUNTER_COMMANDS];
	case WORKER_DELIVERIES: return score->counters[COUNTER_DELIVERIES];
	case WORKER_BOOKED: return score->counters[COUNTER_BOOKED];
	case WORKER_ADOPTED: return score->counters[COUNTER_ADOPTED];
	case WORKER_DEATHS: return score->deaths;
	case WORKER_FIGURES: break;
	}
	return 0;
}

/* With --serialize join it is the joiner's children who have the lock. */
static void write_lock_shares(struct reply *body, const struct shared_state *shared)
{
	static const char name[] = "turnstile_worker_lock_held_seconds_total";
	const struct scoreboard *scoreboard = shared->scoreboard;

	write_type(body, name, "How long a worker's clerk had the store's lock", "counter");
	for (unsigned i = 0; i < scoreboard->workers; i++) {
		reply_line(body, "%s{worker=\"%u\"} %.6f", name, i + 1,
			   seconds_of(scoreboard->scores[i].lock_held_ns));
	}
	if (shared->options->serialize == SERIALIZE_JOIN) {
		reply_line(body, "%s{worker=\"joiner\"} %.6f", name,
			   seconds_of(scoreboard->scores[SCOREBOARD_JOINER].lock_held_ns));
	}
}

static void write_workers(struct reply *body, const struct scoreboard *scoreboard)
{
	for (enum worker_figure figure = 0; figure < WORKER_FIGURES; figure++) {
		const struct metric *metric = &worker_figures[figure];

		write_metric_type(body, metric);
		for (unsigned i = 0; i < scoreboard->workers; i++) {
			reply_line(body, "%s{worker=\"%u\"} %" PRIu64, metric->name, i + 1,
				   read_worker(&scoreboard->scores[i], figure));
		}
	}
}

enum event_figure { EVENT_TICKETS, EVENT_LEFT, EVENT_OPEN, EVENT_FIGURES };

static const struct {
	const char *name;
	const char *help;
} event_figures[EVENT_FIGURES] = {
	[EVENT_TICKETS] = { "turnstile_event_tickets", "Tickets of an event in all" },
	[EVENT_LEFT] = { "turnstile_event_tickets_left", "Of them, how many are left" },
	[EVENT_OPEN] = { "turnstile_event_open", "Whether an event sells" },
};

static int64_t read_event(const struct stock_board_event *event, enum event_figure figure)
{
	switch (figure) {
	case EVENT_TICKETS: return event->total;
	case EVENT_LEFT: return event->left;
	case EVENT_OPEN: return event->open;
	case EVENT_FIGURES: break;
	}
	return 0;
}

static void write_events(struct reply *body, const struct stock_board *board)
{
	struct stock_board_event event;

	for (enum event_figure figure = 0; figure < EVENT_FIGURES; figure++) {
		write_type(body, event_figures[figure].name, event_figures[figure].help, "gauge");
		for (uint32_t i = 0; i < board->count; i++) {
			stock_board_read(board, i, &event);
			reply_line(body, "%s{event=\"%s\"} %" PRId64, event_figures[figure].name,
				   event.name, read_event(&event, figure));
		}
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
	write_lock_shares(&response->body, shared);
	write_events(&response->body, shared->board);
	return OUTCOME_DONE;
}
