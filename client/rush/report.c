#include "client/rush/report.h"

#include <inttypes.h>

#include "shared/base/clock.h"

#define NAME_COLUMNS 28 /* of a server, its end counted in; a longer one is cut */

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

static void print_server(const struct rush_server *server, const struct rush_share *share, FILE *to)
{
	char name[NAME_COLUMNS];

	snprintf(name, sizeof(name), "%s:%s", server->named->host,
		 server_address_port(server->named));
	fprintf(to, "%-28s%8u%9u%8u%9.1f ms%9.1f ms\n", name, share->sold, share->refused,
		share->errors, milliseconds(share->times.p50_ns),
		milliseconds(share->times.p99_ns));
}

/* One server alone is all of them together. */
static void print_servers(const struct rush_figures *figures, const struct rush_plan *plan,
			  FILE *to)
{
	if (figures->server_count == 1) {
		return;
	}
	fprintf(to, "\n%-28s%8s%9s%8s%12s%12s\n", "server", "sold", "refused", "errors", "p50",
		"p99");
	for (unsigned i = 0; i < figures->server_count; i++) {
		print_server(&plan->servers[i], &figures->shares[i], to);
	}
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
		milliseconds(figures->times.p50_ns), "", milliseconds(figures->times.p99_ns), "",
		milliseconds(figures->times.longest_ns));
	fprintf(to, "%-14s%10.0f  answers a second\n", "rate", figures->per_second);
	print_stock(figures, to);
	print_servers(figures, plan, to);
}

static void print_server_json(const struct rush_server *server, const struct rush_share *share,
			      FILE *to)
{
	fprintf(to, "{\"host\":\"%s\",\"port\":\"%s\"", server->named->host,
		server_address_port(server->named));
	fprintf(to, ",\"sold\":%u,\"refused\":%u,\"errors\":%u", share->sold, share->refused,
		share->errors);
	fprintf(to, ",\"p50_ms\":%.3f,\"p99_ms\":%.3f}", milliseconds(share->times.p50_ns),
		milliseconds(share->times.p99_ns));
}

/* Names that were found are no harm in JSON: none has a quote. */
static void print_servers_json(const struct rush_figures *figures, const struct rush_plan *plan,
			       FILE *to)
{
	fputs(",\"servers\":[", to);
	for (unsigned i = 0; i < figures->server_count; i++) {
		fputs(i > 0 ? "," : "", to);
		print_server_json(&plan->servers[i], &figures->shares[i], to);
	}
	fputs("]", to);
}

void rush_report_print_json(const struct rush_figures *figures, const struct rush_tally *tally,
			    const struct rush_plan *plan, FILE *to)
{
	fprintf(to, "{\"event\":\"%s\",\"buyers\":%u,\"each\":%" PRId64 ",\"connections\":%u,",
		plan->event->name, tally->count, plan->each, plan->connections);
	fprintf(to, "\"sold\":%u,\"refused\":%u,\"errors\":%u,\"unknown\":%u,\"retries\":%" PRIu64,
		tally->sold, tally->refused, tally->errors, figures->unknown, tally->retries);
	fprintf(to, ",\"double_sales\":%" PRIu64 ",\"p50_ms\":%.3f,\"p99_ms\":%.3f",
		figures->doubles, milliseconds(figures->times.p50_ns),
		milliseconds(figures->times.p99_ns));
	fprintf(to, ",\"longest_ms\":%.3f,\"per_second\":%.1f",
		milliseconds(figures->times.longest_ns), figures->per_second);
	print_servers_json(figures, plan, to);
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
