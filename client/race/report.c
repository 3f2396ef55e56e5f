#include "client/race/report.h"

#include <inttypes.h>

#include "shared/base/clock.h"

static double seconds(int64_t ns)
{
	return (double)ns / (double)NS_PER_SECOND;
}

static void print_row(const struct race_heat *heat, FILE *to)
{
	const struct race_verdict *verdict = &heat->verdict;

	fprintf(to,
		"%-10s %5" PRId64 " %8" PRId64 " %5" PRId64 " %7.2f s %8.2f s %8.0f %% %8.2f s "
		"%9u\n",
		race_strategy_name(heat->strategy), verdict->sold, verdict->oversold, verdict->lost,
		seconds(verdict->wall_ns), seconds(verdict->critical_ns), 100 * verdict->parallel,
		seconds(verdict->longest_wait_ns), verdict->overtakes);
}

static void print_order(const struct race_heat *heat, FILE *to)
{
	fprintf(to, "  %-10s", race_strategy_name(heat->strategy));
	for (unsigned i = 0; i < heat->verdict.served; i++) {
		fprintf(to, " %u", heat->verdict.order[i] + 1);
	}
	fputc('\n', to);
}

void race_report_print(const struct race *race, FILE *to)
{
	fputs("\n                    too            all  critical             longest          \n"
	      "strategy    sold     many  lost       time   section   parallel      wait  "
	      "overtakes\n",
	      to);
	for (size_t i = 0; i < race->count; i++) {
		print_row(&race->heats[i], to);
	}
	fputs("\nWho was served, in which order:\n", to);
	for (size_t i = 0; i < race->count; i++) {
		print_order(&race->heats[i], to);
	}
}

static void print_json_text(const char *text, FILE *to)
{
	fputc('"', to);
	for (; *text != '\0'; text++) {
		unsigned char byte = (unsigned char)*text;
		if (byte < 0x20) {
			fprintf(to, "\\u%04x", byte);
		} else if (byte == '<') { /* nor ends a page's script element */
			fputs("\\u003c", to);
		} else if (byte == '"' || byte == '\\') {
			fprintf(to, "\\%c", byte);
		} else {
			fputc(byte, to);
		}
	}
	fputc('"', to);
}

static void print_json_buyer(const struct race_heat *heat, unsigned buyer, FILE *to)
{
	static const char *const phases[RACE_PHASES] = { "held_back", "search", "wait",
							 "critical" };
	const struct race_buyer *notes = &heat->buyers[buyer];

	fprintf(to, "{\"buyer\":%u,\"pid\":%d,\"saw\":%" PRId64 ",\"bought\":%s", buyer + 1,
		(int)notes->pid, notes->seen, notes->outcome == RACE_BOUGHT ? "true" : "false");
	fprintf(to, ",\"read\":%" PRId64 ",\"left\":%" PRId64 ",\"oversold\":%s", notes->read,
		notes->left, notes->oversold ? "true" : "false");
	fprintf(to, ",\"killed\":%s,\"moments\":[", notes->killed_ns != 0 ? "true" : "false");
	for (int i = 0; i < RACE_MOMENTS; i++) {
		fprintf(to, "%s%.6f", i > 0 ? "," : "", seconds(notes->at_ns[i] - heat->start_ns));
	}
	fputc(']', to);
	for (enum race_phase phase = RACE_HELD_BACK; phase < RACE_PHASES; phase++) {
		struct race_stretch stretch = race_stretch(heat, buyer, phase);
		fprintf(to, ",\"%s\":[%.6f,%.6f]", phases[phase], seconds(stretch.from_ns),
			seconds(stretch.to_ns));
	}
	fputc('}', to);
}

static void print_json_heat(const struct race_heat *heat, FILE *to)
{
	const struct race_verdict *verdict = &heat->verdict;

	fprintf(to, "{\"strategy\":\"%s\",\"event\":\"%s\",\"sold\":%" PRId64,
		race_strategy_name(heat->strategy), heat->event, verdict->sold);
	fprintf(to, ",\"counter\":%" PRId64 ",\"oversold\":%" PRId64 ",\"lost_updates\":%" PRId64,
		verdict->counter, verdict->oversold, verdict->lost);
	fprintf(to, ",\"wall_seconds\":%.6f,\"critical_seconds\":%.6f,\"parallel_share\":%.4f",
		seconds(verdict->wall_ns), seconds(verdict->critical_ns), verdict->parallel);
	fprintf(to, ",\"longest_wait_seconds\":%.6f,\"overtakes\":%u,\"order\":[",
		seconds(verdict->longest_wait_ns), verdict->overtakes);
	for (unsigned i = 0; i < verdict->served; i++) {
		fprintf(to, "%s%u", i > 0 ? "," : "", verdict->order[i] + 1);
	}
	fputs("],\"buyers\":[", to);
	for (unsigned i = 0; i < heat->count; i++) {
		fputs(i > 0 ? "," : "", to);
		print_json_buyer(heat, i, to);
	}
	fputs("]}", to);
}

void race_report_print_json(const struct race *race, FILE *to)
{
	const struct race_plan *plan = &race->plan;

	fprintf(to, "{\"buyers\":%u,\"tickets\":%" PRId64 ",\"seed\":%" PRIu64, plan->buyers,
		plan->tickets, plan->seed);
	fprintf(to, ",\"think_seconds\":[%.6f,%.6f],\"store\":", seconds(plan->think_least_ns),
		seconds(plan->think_most_ns));
	print_json_text(plan->url, to);
	fputs(",\"strategies\":[", to);
	for (size_t i = 0; i < race->count; i++) {
		fputs(i > 0 ? "," : "", to);
		print_json_heat(&race->heats[i], to);
	}
	fputs("]}\n", to);
}
