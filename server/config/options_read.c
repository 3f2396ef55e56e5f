/*
 * The order of things: every option gets its initial value; sockets that were passed are taken; the
 * command line is read; then the file, but for the options that the command line gave; then what is
 * still open is worked out.
 */
#include "server/config/options_read.h"
#include "db/open.h"

#include <argp.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/config/activation.h"
#include "server/config/bus_option.h"
#include "server/config/config_file.h"
#include "server/config/listener_option.h"
#include "server/config/option_row.h"
#include "server/config/state_folder.h"
#include "shared/base/log.h"
#include "shared/base/usage.h"

#define ROWS_MAX  64
#define KEY_FIRST 0x100 /* argp's key of row 0: above all that are also short options */
#define HELP_SIZE 320   /* bytes of an option's help */
#define HOST_SIZE 256   /* bytes of this host's name, a NUL counted in */

#define STORE_FILE "turnstile.db"

struct reading {
	struct options *options;
	const struct options *before; /* what the server runs with; NULL at its start */
	char *problem;
	bool given[ROWS_MAX];   /* which rows the command line set */
	bool in_file[ROWS_MAX]; /* which rows stand in the file */
};

static void set_initial(struct options *options)
{
	char problem[OPTION_PROBLEM_SIZE];

	memset(options, 0, sizeof(*options));
	for (const struct option_row *row = option_rows; row < option_rows + option_row_count;
	     row++) {
		if (row->initial && !option_set(options, row, row->initial, problem)) {
			bug("--%s %s: %s", row->name, row->initial, problem);
		}
	}
}

/* Who it runs as was looked up at the start; now there may be nothing left to look it up in. */
static bool set(const struct reading *reading, const struct option_row *row, const char *value,
		char *problem)
{
	struct options *options = reading->options;

	if (reading->before && strcmp(row->name, "user") == 0) {
		(void)snprintf(options->user, sizeof(options->user), "%s", value);
		return true;
	}
	return option_set(options, row, value, problem);
}

/* The command line. */

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct reading *reading = state->input;
	char problem[OPTION_PROBLEM_SIZE];

	if (key == ARGP_KEY_ERROR && *reading->problem != '\0') {
		return 0; /* that is ours, and said */
	}
	if (key < KEY_FIRST || key >= KEY_FIRST + (int)option_row_count) {
		return usage_parse(key, state);
	}
	const struct option_row *row = &option_rows[key - KEY_FIRST];
	const char *value = row->argument ? argument : "on";

	if (!set(reading, row, value, problem)) {
		(void)option_problem(reading->problem, "--%s %s: %s", row->name, value, problem);
		return EINVAL;
	}
	reading->given[key - KEY_FIRST] = true;
	return 0;
}

static struct argp_option argp_option_of(const struct option_row *row, char *help)
{
	const bool says_it = row->initial;

	if (!row->name) {
		return (struct argp_option){ .doc = row->help };
	}
	snprintf(help, HELP_SIZE, "%s%s%s%s", row->help, says_it ? " (" : "",
		 says_it ? row->initial : "", says_it ? ")" : "");
	return (struct argp_option){ .name = row->name,
				     .key = KEY_FIRST + (int)(row - option_rows),
				     .arg = row->argument,
				     .doc = help };
}

static bool read_command_line(struct reading *reading, int argc, char **argv)
{
	static struct argp_option table[ROWS_MAX];
	static char help[ROWS_MAX][HELP_SIZE];
	const struct argp argp = { .options = table,
				   .parser = parse,
				   .doc = "turnstiled, a chat server and ticket office on many "
					  "processes." };
	size_t count = 0;

	if (option_row_count + 3 > ROWS_MAX) {
		bug("%zu options are more than there is room for", option_row_count);
	}
	for (; count < option_row_count; count++) {
		table[count] = argp_option_of(&option_rows[count], help[count]);
	}
	table[count++] = (struct argp_option)USAGE_OPTION_HELP;
	table[count++] = (struct argp_option)USAGE_OPTION_VERSION;
	table[count] = (struct argp_option){ 0 };
	error_t error = argp_parse(&argp, argc, argv, USAGE_ARGP_FLAGS, NULL, reading);
	if (error != 0 && *reading->problem == '\0') {
		(void)option_problem(reading->problem, "%s", strerror(error));
	}
	return error == 0;
}

/* The file. */

static bool take_from_file(void *context, const char *name, const char *value, char *problem)
{
	struct reading *reading = context;
	const struct option_row *row = option_row_find(name);
	char what[OPTION_PROBLEM_SIZE];

	if (!row || strcmp(name, "config") == 0) {
		return option_problem(problem, "no such option here: %s (%s --help lists them)",
				      name, program_invocation_short_name);
	}
	bool again = reading->in_file[row - option_rows];
	reading->in_file[row - option_rows] = true;
	if (again && !row->repeats) {
		return option_problem(problem, "%s is there twice", name);
	}
	if (reading->given[row - option_rows]) {
		return true;
	}
	if (set(reading, row, value, what)) {
		return true;
	}
	return option_problem(problem, "%s = %s: %s", name, value, what);
}

static bool read_file(struct reading *reading)
{
	return *reading->options->config == '\0' ||
	       config_file_read(reading->options->config, take_from_file, reading,
				reading->problem);
}

/* What nobody said. */

static unsigned processors(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) != 0) {
		return 1;
	}
	unsigned count = (unsigned)CPU_COUNT(&set);
	return count < OPTIONS_WORKERS_MAX ? count : OPTIONS_WORKERS_MAX;
}

static void listen_by_default(struct options *options)
{
	static const char *const defaults[] = {
		"lines:127.0.0.1:7000",
		"echo:127.0.0.1:7007",
#ifdef TURNSTILE_WITH_HTTP
		"http:127.0.0.1:7080",
#endif
	};
	const struct option_row *row = option_row_find("listen");
	char problem[OPTION_PROBLEM_SIZE];

	for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++) {
		if (!option_set(options, row, defaults[i], problem)) {
			bug("--listen %s: %s", defaults[i], problem);
		}
	}
}

/* The directory of the XDG base directory specification, which wants relative ones ignored. */
static bool find_state(struct options *options, char *problem)
{
	const char *state = getenv("XDG_STATE_HOME");
	const char *home = getenv("HOME");
	int length;

	if (state && state[0] == '/') {
		length = snprintf(options->state, sizeof(options->state), "%s/turnstile", state);
	} else if (home && home[0] == '/') {
		length = snprintf(options->state, sizeof(options->state),
				  "%s/.local/state/turnstile", home);
	} else {
		return option_problem(problem, "no place for the store: give --state DIRECTORY, "
					       "or set HOME");
	}
	return (size_t)length < sizeof(options->state) ||
	       option_problem(problem,
			      "HOME or XDG_STATE_HOME is too long: give --state DIRECTORY");
}

static bool store_by_default(struct options *options, char *problem)
{
	if (options->state[0] == '\0' && !find_state(options, problem)) {
		return false;
	}
	int length = snprintf(options->store, sizeof(options->store), "sqlite:%s/" STORE_FILE,
			      options->state);

	return (size_t)length < sizeof(options->store) ||
	       option_problem(problem, "--state %s: the name is too long", options->state);
}

/* A store that is no file has its lock in the state directory. */
static bool state_by_default(struct options *options, char *problem)
{
	return store_is_file(options->store) || options->state[0] != '\0' ||
	       find_state(options, problem);
}

static void name_node(struct options *options)
{
	char host[HOST_SIZE] = "";

	if (gethostname(host, sizeof(host) - 1) == 0) {
		node_name_of_host(host, options->node);
	} else {
		node_name_of_host("", options->node);
	}
}

static bool work_out(struct reading *reading)
{
	struct options *options = reading->options;

	if (options->workers == 0) {
		options->workers = processors();
	}
	options->seats = options->max_connections > OPTIONS_SEATS_LEAST ? options->max_connections
									: OPTIONS_SEATS_LEAST;
	if (options->listener_count == 0) {
		listen_by_default(options);
	}
	if (options->node[0] == '\0') {
		name_node(options);
	}
	if (options_have_tls(options) && (!*options->tls_certificate || !*options->tls_key)) {
		return option_problem(reading->problem, "a listener over TLS needs --tls-cert FILE "
							"and --tls-key FILE");
	}
	return options->store[0] == '\0' ? store_by_default(options, reading->problem)
					 : state_by_default(options, reading->problem);
}

void options_read(struct options *options, int argc, char **argv)
{
	char problem[OPTION_PROBLEM_SIZE] = "";
	struct reading reading = { .options = options, .problem = problem };

	set_initial(options);
	activation_take(options);
	bool good = read_command_line(&reading, argc, argv) && read_file(&reading);
	bool has_file = options->store[0] != '\0' && store_is_file(options->store);

	if (!good || !work_out(&reading)) {
		usage_error("%s", problem);
	}
	if (!has_file && !state_folder_make(options->state, options->user)) {
		die("--state %s: the directory cannot be made: %s", options->state,
		    strerror(errno));
	}
	store_lock_in(options->state);
}

bool options_read_again(struct options *fresh, const struct options *options, int argc, char **argv,
			char *problem)
{
	struct reading reading = { .options = fresh, .before = options, .problem = problem };

	set_initial(fresh);
	problem[0] = '\0';
	for (size_t i = 0; i < options->listener_count; i++) {
		if (options->listeners[i].passed >= 0) {
			fresh->listeners[fresh->listener_count++] = options->listeners[i];
		}
	}
	return read_command_line(&reading, argc, argv) && read_file(&reading) && work_out(&reading);
}
