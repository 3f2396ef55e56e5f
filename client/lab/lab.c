#include "client/lab/lab.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/lab/experiments.h"
#include "client/lab/lab_page.h"
#include "client/lab/report.h"
#include "client/lab/timeline.h"
#include "client/options/number.h"
#include "client/terminal/style.h"
#include "client/trace/trace.h"
#include "shared/base/log.h"
#include "shared/base/usage.h"

#define MEMORY_BYTES   ((size_t)64 << 20) /* what is not touched costs nothing */
#define NAMES_SIZE     1024               /* bytes of a list of all names */
#define DESCRIPTOR_MAX 1023

struct experiment {
	const char *name;
	const char *summary;
	void (*run)(struct lab *lab);
	bool has_timeline;
};

static const struct experiment experiments[] = {
	{ "process", "start, join with a time-out, terminate; names and exit codes", lab_process,
	  false },
	{ "isolation", "what a child writes, its parent does not see", lab_isolation, false },
	{ "daemon", "a child that ends with its parent, and one that does not", lab_daemon, false },
	{ "zombie", "a child that has ended and was not joined yet", lab_zombie, false },
	{ "orphan", "a child whose parent has ended", lab_orphan, false },
	{ "start-methods", "fork, spawn, and a server that forks", lab_start_methods, false },
	{ "serial-or-parallel", "join one by one, or start all and then join all",
	  lab_serial_or_parallel, true },
	{ "limit", "512 tasks, a process each, at most 8 at once", lab_limit, true },
	{ "pool", "few processes for many tasks, also when one is killed", lab_pool, false },
	{ "callback", "many workers, one log, written by the parent alone", lab_callback, false },
	{ "pipe", "two processes talk, and one sees that the other is gone", lab_pipe, false },
	{ "serialize", "a struct's way through a pipe and back", lab_serialize, false },
	{ "queue", "in order, bounded, and nobody waits for ever", lab_queue, false },
	{ "joinable-queue", "wait until all that was put is also done", lab_joinable_queue, false },
	{ "producer-consumer", "makers and eaters who need not know each other",
	  lab_producer_consumer, true },
	{ "manager", "1000 up, 1000 down in a shared dictionary, without a lock and with",
	  lab_manager, false },
	{ "lock", "one at a time, also when the one who holds it is killed", lab_lock, true },
	{ "rlock", "taken again by its holder; why a plain lock would stop there", lab_rlock,
	  false },
	{ "deadlock", "two locks in two orders, found by a watcher; in one order, never",
	  lab_deadlock, true },
	{ "starvation", "an unfair lock beside a fair one: who waits how long", lab_starvation,
	  true },
	{ "semaphore", "three of ten at a time", lab_semaphore, true },
	{ "event", "a traffic light: all wait for it, all go at once", lab_event, true },
	{ "condition", "wait until what the lock guards is as one needs it", lab_condition, false },
	{ "barrier", "nobody goes on before all are there", lab_barrier, true },
	{ "counter", "10 million up, 10 million down: plain, atomic, under a lock", lab_counter,
	  false },
	{ "false-sharing", "two counters on one line of the cache, and on two", lab_false_sharing,
	  true },
	{ "cpu-or-io", "processes and threads, for arithmetic and for waiting", lab_cpu_or_io,
	  false },
	{ "coroutine", "many waits in one thread, by an event loop", lab_coroutine, true },
	{ "tickets", "ten buyers, three tickets in db.json: unlocked, and with a lock", lab_tickets,
	  true },
	{ "echo", "a server that answers in upper case, a process a connection", lab_echo, false },
};
static const size_t experiment_count = sizeof(experiments) / sizeof(experiments[0]);

struct options {
	bool chosen[sizeof(experiments) / sizeof(experiments[0])];
	size_t chosen_count;
	bool all;
	const char *trace;
	const char *html;
	int spawned; /* a descriptor, or -1 */
};

/* The command line */

/* "process, isolation, ...": all of them, or those with a timeline. */
static const char *list_names(bool with_timeline)
{
	static char names[NAMES_SIZE];
	size_t length = 0;

	for (size_t i = 0; i < experiment_count && length < sizeof(names); i++) {
		if (with_timeline && !experiments[i].has_timeline) {
			continue;
		}
		length += (size_t)snprintf(names + length, sizeof(names) - length, "%s%s",
					   length > 0 ? ", " : "", experiments[i].name);
	}
	return names;
}

static void choose(struct options *options, const char *name)
{
	for (size_t i = 0; i < experiment_count; i++) {
		if (strcmp(experiments[i].name, name) != 0) {
			continue;
		}
		options->chosen_count += !options->chosen[i];
		options->chosen[i] = true;
		return;
	}
	usage_error("no such experiment: %s (there are: %s)", name, list_names(false));
}

enum { KEY_ALL = 'a', KEY_TRACE = 't', KEY_SPAWNED = 0x100, KEY_HTML };

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case KEY_ALL: options->all = true; return 0;
	case KEY_TRACE: options->trace = argument; return 0;
	case KEY_HTML: options->html = argument; return 0;
	case KEY_SPAWNED:
		options->spawned = (int)option_number("spawned", argument, 0, DESCRIPTOR_MAX);
		return 0;
	case ARGP_KEY_ARG: choose(options, argument); return 0;
	default: return usage_parse(key, state);
	}
}

static void read_options(struct options *options, int argc, char **argv)
{
	static const struct argp_option list[] = {
		{ "all", KEY_ALL, NULL, 0, "Run every experiment", 0 },
		{ "trace", KEY_TRACE, "FILE", 0,
		  "Write what has a timeline to FILE, for a trace viewer such as Perfetto", 0 },
		{ "html", KEY_HTML, "FILE", 0,
		  "Write one experiment's timeline to FILE, as a page that plays it back", 0 },
		{ "spawned", KEY_SPAWNED, "DESCRIPTOR", OPTION_HIDDEN, NULL, 0 },
		USAGE_OPTION_HELP,
		USAGE_OPTION_VERSION,
		{ 0 },
	};
	const struct argp argp = {
		.options = list,
		.parser = parse,
		.args_doc = "[NAME...]",
		.doc = "Experiments on processes, locks, queues and pools: each says what it "
		       "shows, what it measured, and whether that is what theory says. Without a "
		       "name: the list.\v"
		       "The exit status is 1 when something is not as theory says."
	};

	argp_parse(&argp, argc, argv, USAGE_ARGP_FLAGS, NULL, options);
}

static bool has_timeline(const struct options *options)
{
	for (size_t i = 0; i < experiment_count; i++) {
		if (options->chosen[i] && experiments[i].has_timeline) {
			return true;
		}
	}
	return false;
}

static void check_options(const struct options *options)
{
	if (options->all && options->chosen_count > 0) {
		usage_error("either --all or names, not both");
	}
	if (options->trace && !options->all && !has_timeline(options)) {
		usage_error("--trace: which one? these have a timeline: %s", list_names(true));
	}
	if (options->html && (options->chosen_count != 1 || !has_timeline(options))) {
		usage_error("--html: which one? these have a timeline: %s", list_names(true));
	}
}

static void print_list(void)
{
	for (size_t i = 0; i < experiment_count; i++) {
		printf("%-20s %s\n", experiments[i].name, experiments[i].summary);
	}
}

/* Running */

static struct lab new_lab(const struct experiment *experiment)
{
	struct lab lab = { .name = experiment->name, .style = terminal_style(STDOUT_FILENO) };

	memory_init(&lab.memory, "lab", MEMORY_BYTES);
	lab.timeline = lab_share(&lab, sizeof(*lab.timeline));
	return lab;
}

static void print_verdict(const struct lab *lab)
{
	const char *verdict = lab->wrong == 0 ? "as theory says" : "NOT what theory says";
	const char *colour = lab->wrong == 0 ? "\033[1;32m" : "\033[1;31m";

	printf("\n  %s: %s%s%s\n\n", lab->name, lab->style.colour ? colour : "", verdict,
	       lab->style.colour ? "\033[0m" : "");
	fflush(stdout);
}

/* What is written beside what is printed; a file is NULL when it was not asked for. */
struct outputs {
	struct trace trace;
	FILE *html;
};

/* Whether all was as theory says. */
static bool run_one(const struct experiment *experiment, struct outputs *outputs)
{
	struct lab lab = new_lab(experiment);

	printf(lab.style.colour ? "\033[1m%s\033[0m: %s\n" : "%s: %s\n", experiment->name,
	       experiment->summary);
	fflush(stdout);
	experiment->run(&lab);
	if ((lab.timeline->parts > 0) != experiment->has_timeline) {
		bug("%s: the table is wrong about its timeline", experiment->name);
	}
	lab_print_facts(&lab);
	print_verdict(&lab);
	if (outputs->trace.file) {
		lab_trace(&lab, &outputs->trace);
	}
	if (outputs->html) {
		lab_page_write(&lab, experiment->summary, outputs->html);
	}
	memory_finish(&lab.memory);
	return lab.wrong == 0;
}

static size_t run_chosen(const struct options *options, struct outputs *outputs)
{
	size_t failed = 0;

	for (size_t i = 0; i < experiment_count; i++) {
		if (options->all || options->chosen[i]) {
			failed += !run_one(&experiments[i], outputs);
		}
	}
	return failed;
}

static FILE *open_file(const char *path)
{
	FILE *file = fopen(path, "we");

	if (!file) {
		die("%s: %m", path);
	}
	return file;
}

static void close_file(FILE *file, const char *path)
{
	bool good = !ferror(file);

	if (fclose(file) != 0 || !good) {
		die("%s: cannot write: %m", path);
	}
}

/* Before anything runs, so that a wrong path costs no time. */
static void open_outputs(const struct options *options, struct outputs *outputs)
{
	if (options->trace) {
		trace_begin(&outputs->trace, open_file(options->trace));
	}
	if (options->html) {
		outputs->html = open_file(options->html);
	}
}

static void close_outputs(const struct options *options, struct outputs *outputs)
{
	if (options->trace) {
		trace_end(&outputs->trace);
		close_file(outputs->trace.file, options->trace);
	}
	if (options->html) {
		close_file(outputs->html, options->html);
	}
}

static void print_total(size_t failed, int64_t start_ns)
{
	double seconds = lab_ms(clock_monotonic_ns() - start_ns) / 1000;

	if (failed == 0) {
		printf("%zu experiments, all as theory says (%.1f s)\n", experiment_count, seconds);
	} else {
		printf("%zu of %zu experiments NOT what theory says (%.1f s)\n", failed,
		       experiment_count, seconds);
	}
}

int lab_run(const struct server_address *address, int argc, char **argv)
{
	struct options options = { .spawned = -1 };
	struct outputs outputs = { 0 };
	int64_t start_ns = clock_monotonic_ns();

	(void)address;
	read_options(&options, argc, argv);
	if (options.spawned >= 0) {
		return lab_spawned(options.spawned);
	}
	check_options(&options);
	if (!options.all && options.chosen_count == 0) {
		print_list();
	}
	open_outputs(&options, &outputs);
	size_t failed = run_chosen(&options, &outputs);
	close_outputs(&options, &outputs);
	if (options.all) {
		print_total(failed, start_ns);
	}
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
