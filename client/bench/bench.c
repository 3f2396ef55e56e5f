#include "client/bench/bench.h"

#include <argp.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/bench/benches.h"
#include "client/bench/report.h"
#include "client/bench/turnstile.h"
#include "client/options/number.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"
#include "shared/base/usage.h"

#define SECONDS_MAX    3600
#define COUNT_MAX      INT64_C(1000000000)
#define RATE_MAX       1000000
#define ECHO_PORT      "7007"
#define ROOM_IN_FLIGHT 256 /* lines of a room at full rate */

struct bench_name {
	const char *name;
	enum bench_kind kind;
	unsigned clients; /* when none are given */
	void (*run)(const struct bench_plan *plan, const struct bench_protocol *protocol,
		    struct bench_result *result);
};

static const struct bench_name names[] = {
	{ "echo", BENCH_ECHO, 50, bench_request },       { "ping", BENCH_PING, 50, bench_request },
	{ "book", BENCH_BOOK, 64, bench_request },       { "chat", BENCH_CHAT, 100, bench_chat },
	{ "connect", BENCH_CONNECT, 16, bench_connect }, { "idle", BENCH_IDLE, 10000, bench_idle },
};

enum {
	KEY_CLIENTS = 'c',
	KEY_PIPELINE = 'P',
	KEY_SECONDS = 's',
	KEY_COUNT = 'n',
	KEY_SPEAKERS = 'S',
	KEY_RATE = 'r',
	KEY_EVENT = 'e',
	KEY_KEYS = 'k',
	KEY_SERVER = 0x100,
	KEY_JSON
};

struct bench_line {
	struct bench_plan plan;
	const struct bench_name *name;
	struct server_addresses addresses;
};

static const struct bench_name *find(const char *name)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i].name, name) == 0) {
			return &names[i];
		}
	}
	usage_error("no such bench: %s (there are: echo, ping, book, chat, connect, idle)", name);
}

static void set_event(struct bench_plan *plan, const char *event)
{
	if (strlen(event) >= sizeof(plan->event)) {
		usage_error("--event is a name of at most %zu characters", sizeof(plan->event) - 1);
	}
	memcpy(plan->event, event, strlen(event) + 1);
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct bench_line *line = state->input;
	struct bench_plan *plan = &line->plan;

	switch (key) {
	case ARGP_KEY_INIT: state->child_inputs[0] = &line->addresses; return 0;
	case KEY_CLIENTS:
		plan->clients = (unsigned)option_number("clients", argument, 1, BENCH_CLIENTS_MAX);
		return 0;
	case KEY_PIPELINE:
		plan->pipeline =
			(unsigned)option_number("pipeline", argument, 1, BENCH_PIPELINE_MAX);
		return 0;
	case KEY_SECONDS:
		plan->duration_ns =
			option_number("seconds", argument, 1, SECONDS_MAX) * NS_PER_SECOND;
		return 0;
	case KEY_COUNT: plan->count = option_number("count", argument, 1, COUNT_MAX); return 0;
	case KEY_SPEAKERS:
		plan->speakers =
			(unsigned)option_number("speakers", argument, 1, BENCH_SPEAKERS_MAX);
		return 0;
	case KEY_RATE:
		plan->rate = (unsigned)option_number("rate", argument, 0, RATE_MAX);
		return 0;
	case KEY_EVENT: set_event(plan, argument); return 0;
	case KEY_KEYS: plan->keys = true; return 0;
	case KEY_SERVER:
		plan->server = (pid_t)option_number("server-pid", argument, 1, INT32_MAX);
		return 0;
	case KEY_JSON: plan->json = true; return 0;
	case ARGP_KEY_ARG:
		if (line->name) {
			usage_error("one bench at a time: not %s as well", argument);
		}
		line->name = find(argument);
		return 0;
	default: return usage_parse(key, state);
	}
}

static const struct argp_option options[] = {
	{ "clients", KEY_CLIENTS, "N", 0, "Connections, all in use at once", 0 },
	{ "members", KEY_CLIENTS, "N", OPTION_ALIAS, NULL, 0 },
	{ "pipeline", KEY_PIPELINE, "N", 0,
	  "Requests in flight on each connection (1); lines in flight in the room (256)", 0 },
	{ "seconds", KEY_SECONDS, "S", 0, "How long at most (3; with --count 60)", 0 },
	{ "count", KEY_COUNT, "N", 0, "How many requests, connections or lines at most", 0 },
	{ "speakers", KEY_SPEAKERS, "N", 0, "chat: how many speak (4, or all if fewer)", 0 },
	{ "rate", KEY_RATE, "LINES", 0, "chat: lines a second, of all together (0: all it can)",
	  0 },
	{ "event", KEY_EVENT, "NAME", 0, "book: the event to book (rush)", 0 },
	{ "keys", KEY_KEYS, NULL, 0, "book: give each request a key of its own", 0 },
	{ "server-pid", KEY_SERVER, "PID", 0,
	  "Count the processors' time and the memory of this process and its descendants", 0 },
	{ "json", KEY_JSON, NULL, 0, "Print one JSON object", 0 },
	USAGE_OPTION_HELP,
	USAGE_OPTION_VERSION,
	{ 0 },
};

static void read_command_line(struct bench_line *line, int argc, char **argv)
{
	static const struct argp_child children[] = { { &server_addresses_argp, 0, NULL, 0 },
						      { 0 } };
	const struct argp argp = { .options = options,
				   .parser = parse,
				   .args_doc = "echo|ping|book|chat|connect|idle",
				   .children = children,
				   .doc = "Puts a server under load, and says what it did and what "
					  "that cost." };

	argp_parse(&argp, argc, argv, USAGE_ARGP_FLAGS, NULL, line);
	if (!line->name) {
		usage_error("say which bench: echo, ping, book, chat, connect or idle");
	}
}

static void fill_in_defaults(struct bench_line *line)
{
	struct bench_plan *plan = &line->plan;
	const bool chat = line->name->kind == BENCH_CHAT;

	plan->kind = line->name->kind;
	plan->run = (uint64_t)clock_wall_ns() / (uint64_t)NS_PER_MS;
	if (plan->clients == 0) {
		plan->clients = line->name->clients;
	}
	if (plan->pipeline == 0) {
		plan->pipeline = chat ? ROOM_IN_FLIGHT : 1;
	}
	if (plan->duration_ns == 0) {
		plan->duration_ns = (plan->count == 0 ? 3 : 60) * NS_PER_SECOND;
	}
	if (plan->speakers == 0) {
		plan->speakers = 4;
	}
	if (plan->speakers > plan->clients) {
		plan->speakers = plan->clients;
	}
	if (chat && plan->clients < 2) {
		usage_error("--members is at least 2: one speaks, one hears");
	}
}

static void resolve(struct bench_server *server, const struct server_address *address)
{
	const struct addrinfo wanted = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *found;
	int error = getaddrinfo(address->host, server_address_port(address), &wanted, &found);

	if (error != 0) {
		die("cannot find %s port %s: %s", address->host, server_address_port(address),
		    gai_strerror(error));
	}
	server->named = address;
	memcpy(&server->address, found->ai_addr, found->ai_addrlen);
	server->address_length = found->ai_addrlen;
	freeaddrinfo(found);
}

static void find_servers(struct bench_line *line)
{
	struct server_addresses *addresses = &line->addresses;

	for (unsigned i = 0; i < addresses->count; i++) {
		if (!addresses->each[i].port && line->name->kind == BENCH_ECHO) {
			addresses->each[i].port = ECHO_PORT;
		}
		resolve(&line->plan.servers[i], &addresses->each[i]);
	}
	line->plan.server_count = addresses->count;
}

int bench_main(const struct server_address *server, int argc, char **argv,
	       const struct bench_protocol *(*protocol_of)(enum bench_kind kind))
{
	struct bench_line line = { .addresses.usual = *server, .plan = { .event = "rush" } };
	static struct bench_result result;

	read_command_line(&line, argc, argv);
	fill_in_defaults(&line);
	find_servers(&line);
	const struct bench_protocol *protocol = protocol_of(line.name->kind);
	if (!protocol) {
		usage_error("there is no bench %s of this server", line.name->name);
	}
	line.name->run(&line.plan, protocol, &result);
	if (line.plan.json) {
		bench_report_json(line.name->name, &line.plan, &result);
	} else {
		bench_report_text(&line.plan, &result);
	}
	return result.broken == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int bench_run(const struct server_address *address, int argc, char **argv)
{
	return bench_main(address, argc, argv, bench_turnstile);
}
