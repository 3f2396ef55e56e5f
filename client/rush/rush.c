#include "client/rush/rush.h"

#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/connection/connection.h"
#include "client/connection/descriptor_limit.h"
#include "client/options/number.h"
#include "client/rush/crowd.h"
#include "client/rush/report.h"
#include "client/terminal/bar.h"
#include "client/terminal/output.h"
#include "client/terminal/style.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"
#include "shared/base/siphash.h"
#include "shared/base/usage.h"
#include "shared/text/name.h"

#define BUYERS_USUAL      100
#define CONNECTIONS_USUAL 1000
#define EACH_MAX          1000000
#define ANSWER_NS         (10 * NS_PER_SECOND)
#define AUDIT_NS          (3 * NS_PER_SECOND) /* until one that is busy can add up */
#define AUDIT_PAUSE_NS    (200 * NS_PER_MS)   /* before all are asked again */
#define QUESTION_SIZE     64
#define BAR_COLUMNS       30
#define POLL_MS           100 /* how long a wait for an answer sleeps at most */
#define EXIT_INTERRUPTED  130 /* as a shell says it of Ctrl-C */

struct arguments {
	struct server_addresses addresses;
	const char *event;
	unsigned buyers;
	unsigned connections; /* 0: not said */
	int64_t each;
	bool json;
};

enum { KEY_BUYERS = 'b', KEY_EACH = 'e', KEY_CONNECTIONS = 'c', KEY_JSON = 0x100 };

static void read_event(struct arguments *arguments, const char *name)
{
	if (arguments->event) {
		usage_error("one event is enough: %s", name);
	}
	if (!name_is_event(span_of(name))) {
		usage_error("%s: an event's name is 1 to 32 of a-z, 0-9 and '-'", name);
	}
	arguments->event = name;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case KEY_BUYERS:
		arguments->buyers = (unsigned)option_number("buyers", argument, 1, RUSH_BUYERS_MAX);
		return 0;
	case KEY_CONNECTIONS:
		arguments->connections =
			(unsigned)option_number("connections", argument, 1, RUSH_BUYERS_MAX);
		return 0;
	case KEY_EACH: arguments->each = option_number("each", argument, 1, EACH_MAX); return 0;
	case KEY_JSON: arguments->json = true; return 0;
	case ARGP_KEY_INIT: state->child_inputs[0] = &arguments->addresses; return 0;
	case ARGP_KEY_ARG: read_event(arguments, argument); return 0;
	case ARGP_KEY_NO_ARGS: usage_error("which event? %s EVENT --buyers N", state->name);
	default: return usage_parse(key, state);
	}
}

static void read_arguments(struct arguments *arguments, int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "buyers", KEY_BUYERS, "N", 0, "How many buyers there are (100)", 0 },
		{ "each", KEY_EACH, "QTY", 0, "How many tickets each of them wants (1)", 0 },
		{ "connections", KEY_CONNECTIONS, "N", 0,
		  "How many of them are at the windows at once (all, but 1000 at most)", 0 },
		{ "json", KEY_JSON, NULL, 0, "Say it as one JSON object", 0 },
		USAGE_OPTION_HELP,
		USAGE_OPTION_VERSION,
		{ 0 },
	};
	static const struct argp_child children[] = { { &server_addresses_argp, 0, NULL, 0 },
						      { 0 } };
	const struct argp argp = {
		.options = options,
		.parser = parse,
		.args_doc = "EVENT",
		.doc = "Sends buyers to a running server, all at once, and checks that no ticket "
		       "was sold twice. Each has a key of its own: who loses the connection asks "
		       "again with it, at the next server if there are several, which sell from "
		       "one store. Exit status 1 if there was an error or a double sale.",
		.children = children,
	};

	argp_parse(&argp, argc, argv, USAGE_ARGP_FLAGS, NULL, arguments);
	if (arguments->connections == 0) {
		arguments->connections = CONNECTIONS_USUAL;
	}
	if (arguments->connections > arguments->buyers) {
		arguments->connections = arguments->buyers;
	}
}

/* Asks one question and waits for its final line; false when none comes. */
static bool ask(struct connection *connection, const char *verb, const char *event,
		struct span *answer)
{
	const int64_t deadline_ns = clock_monotonic_ns() + ANSWER_NS;
	char question[QUESTION_SIZE];
	size_t written;
	int length = snprintf(question, sizeof(question), "/%s %s\n", verb, event);

	connection_write(connection, question, (size_t)length, &written);
	while (clock_monotonic_ns() < deadline_ns) {
		struct pollfd socket = { .fd = connection->descriptor, .events = POLLIN };
		while (connection_take_line(connection, answer)) {
			if (span_starts(*answer, "+") || span_starts(*answer, "-")) {
				return true;
			}
		}
		if (poll(&socket, 1, POLL_MS) > 0 &&
		    connection_fill(connection) != CONNECTION_OPEN) {
			return connection_take_line(connection, answer);
		}
	}
	return false;
}

/* The numbers that follow VERB and the event's name; false if it is another answer. */
static bool read_numbers(struct span answer, const char *verb, int64_t *numbers, int count)
{
	if (!span_equals(words_next(&answer), verb)) {
		return false;
	}
	words_next(&answer);
	for (int i = 0; i < count; i++) {
		if (!words_number(words_next(&answer), 0, INT64_MAX, &numbers[i])) {
			return false;
		}
	}
	return true;
}

/* Finds the server, and the event there, or ends the program. */
static void find_event(struct rush_server *server, struct rush_event *event)
{
	static struct connection connection;
	struct span answer = { "", 0 };
	int64_t numbers[2];

	connection_open_or_die(&connection, server->named);
	server->address = connection.peer;
	server->address_length = connection.peer_length;
	if (!ask(&connection, "left", event->name, &answer) ||
	    !read_numbers(answer, "+left", numbers, 2)) {
		die("%s: the server says: %.*s", event->name, (int)answer.length, answer.text);
	}
	event->left = numbers[0];
	event->left_at_first = numbers[0];
	event->total = numbers[1];
	connection_close(&connection);
}

/* The event is the same at each of them. */
static void find_servers(struct rush_server *servers, const struct server_addresses *addresses,
			 struct rush_event *event)
{
	for (unsigned i = 0; i < addresses->count; i++) {
		servers[i].named = &addresses->each[i];
		find_event(&servers[i], event);
	}
}

/* Whether the server counted at all: one whose store is away could not. */
static bool says_sum(struct span answer)
{
	static const char wrong[] = "does not add up";

	return span_starts(answer, "+audit") ||
	       memmem(answer.text, answer.length, wrong, sizeof(wrong) - 1);
}

/* "+audit EVENT SOLD HELD FREE TOTAL ok"; false when this server cannot say. */
static bool audit_at(struct rush_figures *figures, const char *event,
		     const struct server_address *address)
{
	static struct connection connection;
	char problem[CONNECTION_PROBLEM_SIZE];
	struct span answer = { "", 0 };
	int64_t numbers[4] = { 0 };

	if (!connection_open(&connection, address, problem)) {
		return false;
	}
	figures->audited = ask(&connection, "audit", event, &answer) && says_sum(answer);
	figures->adds_up = read_numbers(answer, "+audit", numbers, 4);
	figures->left = numbers[2];
	figures->total = numbers[3];
	connection_close(&connection);
	return figures->audited;
}

/* By the first server that can say, also one that must wait for its store. */
static void audit(struct rush_figures *figures, const struct rush_tally *tally,
		  const struct rush_plan *plan)
{
	const int64_t deadline_ns = clock_monotonic_ns() + AUDIT_NS;
	const int64_t too_many = tally->sold * plan->each - plan->event->left_at_first;

	for (unsigned i = 0; !audit_at(figures, plan->event->name, plan->servers[i].named);) {
		i = (i + 1) % plan->server_count;
		if (i == 0 && (clock_monotonic_ns() > deadline_ns || *plan->stop)) {
			return;
		}
		clock_sleep(i == 0 ? AUDIT_PAUSE_NS : 0);
	}
	if (!figures->adds_up && too_many > 0) {
		figures->oversold = too_many;
	}
}

static void show_progress(const struct rush_plan *plan, const struct rush_tally *tally)
{
	char bar[BAR_SIZE];
	size_t length =
		bar_draw(tally->settled, tally->count, BAR_COLUMNS, terminal_is_utf8(), bar);

	fprintf(stderr, "\r\033[K[%.*s] %u/%u buyers, %u sold, %" PRId64 " left", (int)length, bar,
		tally->settled, tally->count, tally->sold, plan->event->left);
	fflush(stderr);
}

static int report(const struct arguments *arguments, const struct rush_figures *figures,
		  const struct rush_tally *tally, const struct rush_plan *plan)
{
	const bool wrong = tally->errors > 0 || figures->doubles > 0 ||
			   (figures->audited && !figures->adds_up);

	if (plan->progress) {
		fputs("\r\033[K", stderr);
	}
	if (arguments->json) {
		rush_report_print_json(figures, tally, plan, stdout);
	} else {
		rush_report_print(figures, tally, plan, stdout);
	}
	output_flush_or_die();
	if (wrong) {
		return EXIT_FAILURE;
	}
	return *plan->stop ? EXIT_INTERRUPTED : EXIT_SUCCESS;
}

/* By descriptors: one with TLS, if there is any. */
static const struct server_address *find_dearest(const struct server_addresses *addresses)
{
	unsigned i = 0;

	while (i < addresses->count - 1 && !addresses->each[i].tls) {
		i++;
	}
	return &addresses->each[i];
}

int rush_run(const struct server_address *address, int argc, char **argv)
{
	struct arguments arguments = { .addresses.usual = *address,
				       .buyers = BUYERS_USUAL,
				       .each = 1 };
	struct rush_server servers[SERVER_ADDRESSES_MAX];
	struct rush_tally tally = { 0 };
	struct rush_figures figures;
	struct siphash_key chance;
	int64_t elapsed_ns = 0;

	setlocale(LC_CTYPE, "");
	read_arguments(&arguments, argc, argv);
	descriptor_limit_raise(arguments.connections, find_dearest(&arguments.addresses));
	siphash_key_make(&chance);
	struct rush_event event = { .name = arguments.event };
	struct rush_plan plan = { .connections = arguments.connections,
				  .each = arguments.each,
				  .number = chance.words[0],
				  .event = &event,
				  .servers = servers,
				  .server_count = arguments.addresses.count,
				  .progress = isatty(STDERR_FILENO) ? show_progress : NULL,
				  .elapsed_ns = &elapsed_ns };
	tally.count = arguments.buyers;
	tally.buyers = calloc(tally.count, sizeof(tally.buyers[0]));
	if (!tally.buyers) {
		die("%u buyers: %s", tally.count, strerror(errno));
	}
	find_servers(servers, &arguments.addresses, &event);
	signal_flag_catch(SIGINT);
	plan.stop = signal_flag_catch(SIGTERM);
	rush_crowd_run(&plan, &tally);
	if (!rush_figures_make(&figures, &tally, plan.server_count, elapsed_ns)) {
		die("%u buyers: %s", tally.count, strerror(errno));
	}
	audit(&figures, &tally, &plan);
	int status = report(&arguments, &figures, &tally, &plan);
	free(tally.buyers);
	return status;
}
