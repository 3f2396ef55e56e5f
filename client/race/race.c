/* The subcommand: heats one after the other, then the pictures and the table. */
#include "client/race/race.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/files/scratch_folder.h"
#include "client/race/interleavings.h"
#include "client/race/options.h"
#include "client/race/race_page.h"
#include "client/race/report.h"
#include "client/race/run.h"
#include "client/race/schedule.h"
#include "client/race/scheduler.h"
#include "client/race/timeline_svg.h"
#include "client/race/timeline_terminal.h"
#include "client/race/timeline_trace.h"
#include "client/terminal/output.h"
#include "client/terminal/style.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"

#define STORE_URL_SIZE   (PATH_MAX + 32)
#define EXIT_INTERRUPTED 130 /* as a shell says it of Ctrl-C */

/* The store that goes away afterwards. */
static char scratch_folder[PATH_MAX];
static char scratch_url[STORE_URL_SIZE];

static void remove_scratch(void)
{
	if (scratch_folder[0] != '\0') {
		scratch_folder_remove(scratch_folder);
	}
}

static const char *make_scratch(void)
{
	scratch_folder_make("turnstile-race", scratch_folder);
	snprintf(scratch_url, sizeof(scratch_url), "sqlite:%s/race.db", scratch_folder);
	return scratch_url;
}

static void write_file(const char *path, const struct race *race,
		       void (*write)(const struct race *race, FILE *to))
{
	FILE *file = path ? fopen(path, "we") : NULL;

	if (!path) {
		return;
	}
	if (file) {
		write(race, file);
		bool good = !ferror(file);
		if (fclose(file) == 0 && good) {
			return;
		}
	}
	die("%s: %s", path, strerror(errno));
}

static void show(const struct race_options *options, const struct race *race)
{
	if (options->json) {
		race_report_print_json(race, stdout);
	} else {
		const struct terminal_style style = terminal_style(STDOUT_FILENO);
		timeline_print(race, &style, stdout);
		race_report_print(race, stdout);
	}
	output_flush_or_die();
	write_file(options->svg, race, timeline_write_svg);
	write_file(options->trace, race, timeline_write_trace);
	write_file(options->html, race, race_page_write);
}

static void announce(const struct race_plan *plan)
{
	printf("%u buyer%s, %lld ticket%s, thinking %.3g to %.3g s each time, seed %llu.\n",
	       plan->buyers, plan->buyers == 1 ? "" : "s", (long long)plan->tickets,
	       plan->tickets == 1 ? "" : "s", (double)plan->think_least_ns / (double)NS_PER_SECOND,
	       (double)plan->think_most_ns / (double)NS_PER_SECOND, (unsigned long long)plan->seed);
}

/* False: PROBLEM says why, or it was stopped. */
static bool run_heats(const struct race_options *options, struct race *race,
		      const signal_flag *stop, char *problem)
{
	for (size_t i = 0; i < options->count; i++) {
		enum race_strategy strategy = options->strategies[i];
		if (!race->plan.quiet) {
			printf("\n%s: %s\n", race_strategy_name(strategy),
			       race_strategy_motto(strategy));
		}
		fflush(stdout); /* the buyers write past stdio */
		race->count++;
		if (!race_heat_run(&race->heats[i], &race->plan, strategy, stop, problem)) {
			return false;
		}
	}
	return true;
}

static int show_interleavings(const struct race_options *options)
{
	struct interleavings results[RACE_STRATEGIES];

	for (size_t i = 0; i < options->count; i++) {
		interleavings_count(&results[i], options->strategies[i], options->plan.buyers,
				    options->plan.tickets);
	}
	if (options->json) {
		interleavings_print_json(results, options->count, stdout);
	} else {
		interleavings_print(results, options->count, stdout);
	}
	output_flush_or_die();
	return EXIT_SUCCESS;
}

/* Before any process: a schedule that one of the strategies does not allow is refused. */
static void refuse_impossible(const struct race_options *options)
{
	char problem[SCHEDULE_PROBLEM_SIZE];

	for (size_t i = 0; options->scheduled && i < options->count; i++) {
		struct model model = model_start(options->strategies[i], options->plan.buyers,
						 options->plan.tickets);
		if (!schedule_follow(&options->schedule, &model, problem)) {
			die("with %s: %s", race_strategy_name(options->strategies[i]), problem);
		}
	}
}

/* False when a store and the model do not agree. */
static bool compare_with_model(const struct race_options *options, const struct race *race)
{
	FILE *to = options->json ? NULL : stdout;
	bool same = true;

	for (size_t i = 0; options->scheduled && i < race->count; i++) {
		if (to) {
			fprintf(to, "%s", race_strategy_name(race->heats[i].strategy));
		}
		same = race_scheduler_compare(&race->plan, &race->heats[i], to) && same;
	}
	return same;
}

/* Ctrl-C ends the buyers and takes the scratch store away. */
static const signal_flag *catch_signals(void)
{
	signal_flag_catch(SIGINT);
	signal_flag_catch(SIGTERM);
	return signal_flag_catch(SIGHUP);
}

int race_run(const struct server_address *address, int argc, char **argv)
{
	static struct race race;
	struct race_options options;
	char problem[STORE_ERROR_SIZE] = "";

	(void)address;
	race_options_read(&options, argc, argv);
	if (options.exhaustive) {
		return show_interleavings(&options);
	}
	refuse_impossible(&options);
	race.plan = options.plan;
	const signal_flag *stop = catch_signals();
	if (!race.plan.url) {
		race.plan.url = make_scratch();
	}
	if (!options.json) {
		announce(&race.plan);
	}
	bool good = run_heats(&options, &race, stop, problem);
	remove_scratch();
	if (!good && !*stop) {
		die("%s", problem);
	}
	bool same = good && compare_with_model(&options, &race);
	if (good) {
		show(&options, &race);
	}
	for (size_t i = 0; i < race.count; i++) {
		race_heat_finish(&race.heats[i]);
	}
	return !good ? EXIT_INTERRUPTED : same ? EXIT_SUCCESS : EXIT_FAILURE;
}
