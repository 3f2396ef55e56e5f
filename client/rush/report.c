#include "client/rush/report.h"

#include <inttypes.h>

#include "shared/base/clock.h"

static double milliseconds(int64_t ns)
{
	return (double)ns / (double)NS_PER_MS;
}

static void print_count(FILE *to, const char *name, uint64_t count, const char *remark)
{
	fprintf(to, "%-14s%10" PRIu64 "  %s\n", name, count, remark);
}

static void print_stock(const struct rush_figures *figures, FILE *to)
{
	if (!figures->audited) {
		fputs("audit          the server does not answer any more\n", to);
		return;
	}
	if (figures->adds_up) {
		fprintf(to, "%-14s%10" PRId64 "  of %" PRId64 "\n", "left", figures->left,
			figures->total);
		fprintf(to, "%-14s%10s  the server's bookings, added up\n", "audit", "ok");
		return;
	}
	fprintf(to, "%-14s%10" PRId64 "  tickets that were not there\n", "oversold",
		figures->oversold);
	fprintf(to, "%-14s%10s  the server's bookings do not add up\n", "audit", "WRONG");
}

void rush_report_print(const struct rush_figures *figures, const struct rush_tally *tally,
		       const struct rush_plan *plan, FILE *to)
{
	fprintf(to, "%u buyers of %" PRId64 " each, over %u connections\n\n", tally->count,
		plan->each, plan->connections);
	print_count(to, "sold", tally->sold, "got a code");
	print_count(to, "refused", tally->refused, "too late");
	print_count(to, "errors", tally->errors, tally->problem);
	if (figures->unknown > 0) {
		print_count(to, "unknown", figures->unknown, "not answered when it was stopped");
	}
	print_count(to, "retries", tally->retries, "asked again with the same key");
	print_count(to, "double sales", figures->doubles, "every code compared");
	fprintf(to, "%-14s%7.1f ms  p50\n%-14s%7.1f ms  p99\n%-14s%7.1f ms  longest\n", "latency",
		milliseconds(figures->p50_ns), "", milliseconds(figures->p99_ns), "",
		milliseconds(figures->longest_ns));
	fprintf(to, "%-14s%10.0f  answers a second\n", "rate", figures->per_second);
	print_stock(figures, to);
}

void rush_report_print_json(const struct rush_figures *figures, const struct rush_tally *tally,
			    const struct rush_plan *plan, FILE *to)
{
	fprintf(to, "{\"event\":\"%s\",\"buyers\":%u,\"each\":%" PRId64 ",\"connections\":%u,",
		plan->event->name, tally->count, plan->each, plan->connections);
	fprintf(to, "\"sold\":%u,\"refused\":%u,\"errors\":%u,\"unknown\":%u,\"retries\":%" PRIu64,
		tally->sold, tally->refused, tally->errors, figures->unknown, tally->retries);
	fprintf(to, ",\"double_sales\":%" PRIu64 ",\"p50_ms\":%.3f,\"p99_ms\":%.3f",
		figures->doubles, milliseconds(figures->p50_ns), milliseconds(figures->p99_ns));
	fprintf(to, ",\"longest_ms\":%.3f,\"per_second\":%.1f", milliseconds(figures->longest_ns),
		figures->per_second);
	fprintf(to, ",\"oversold\":%" PRId64, figures->oversold);
	if (figures->adds_up) {
		fprintf(to, ",\"left\":%" PRId64 ",\"total\":%" PRId64, figures->left,
			figures->total);
	} else {
		fputs(",\"left\":null,\"total\":null", to);
	}
	fprintf(to, ",\"audit\":%s}\n",
		!figures->audited ? "null" : (figures->adds_up ? "true" : "false"));
}
