/* turnstile, the client: finds the server and the subcommand, and hands over to it. */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/bench/bench.h"
#include "client/chat/chat.h"
#include "client/lab/lab.h"
#include "client/options/server_address.h"
#include "client/password/password.h"
#include "client/race/race.h"
#include "client/rush/rush.h"
#include "client/send/send.h"
#include "client/store/store.h"
#include "shared/base/log.h"
#include "shared/base/usage.h"
#include "shared/process/inherited.h"

#define DOC_SIZE  2048 /* bytes of the help's text */
#define NAME_SIZE 64   /* bytes of "turnstile NAME" */

struct subcommand {
	const char *name;
	const char *arguments; /* as the help shows them */
	const char *help;
	/* Its own command line, argv[0] being "turnstile NAME"; returns the exit status. */
	int (*run)(const struct server_address *address, int argc, char **argv);
};

static const struct subcommand subcommands[] = {
	{ "chat", "", "talk to the server (what happens on a terminal)", chat_run },
	{ "send", "[LINE...]", "send lines and print the answers (when stdin is no terminal)",
	  send_run },
	{ "rush", "EVENT [OPTION...]",
	  "many buyers at once against a running server, and no ticket sold twice", rush_run },
	{ "race", "[OPTION...]",
	  "the same tickets to the same buyers: without a lock, with it, by join", race_run },
	{ "store", "check|export|convert URL...",
	  "prove a store's invariants, write out its bookings, carry it to another kind",
	  store_run },
	{ "password", "", "make a line for the file of turnstiled's --op-password-file",
	  password_run },
	{ "lab", "[NAME...|--all]",
	  "experiments on processes, locks, queues and pools; without a name, the list", lab_run },
	{ "bench", "echo|ping|book|chat|connect|idle [OPTION...]",
	  "put a server under load, and say what it did and what that cost", bench_run },
};
static const size_t subcommand_count = sizeof(subcommands) / sizeof(subcommands[0]);

struct command_line {
	struct server_address address;
	const char *name; /* of the subcommand, or NULL */
	int rest;         /* where its own arguments begin */
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct command_line *line = state->input;

	switch (key) {
	case ARGP_KEY_INIT: state->child_inputs[0] = &line->address; return 0;
	case ARGP_KEY_ARG:
		/* What comes now is the subcommand's: options too. */
		line->name = argument;
		line->rest = state->next;
		state->next = state->argc;
		return 0;
	default: return usage_parse(key, state);
	}
}

/* The part of the help that lists the subcommands. */
static void list_subcommands(char *doc)
{
	size_t length = (size_t)snprintf(doc, DOC_SIZE,
					 "Talks to a turnstile server.\v"
					 "Subcommands (each has a --help):\n");

	for (size_t i = 0; i < subcommand_count && length < DOC_SIZE; i++) {
		length += (size_t)snprintf(doc + length, DOC_SIZE - length, "  %s %s\n        %s\n",
					   subcommands[i].name, subcommands[i].arguments,
					   subcommands[i].help);
	}
}

static void read_command_line(struct command_line *line, int argc, char **argv)
{
	static const struct argp_option options[] = {
		USAGE_OPTION_HELP,
		USAGE_OPTION_VERSION,
		{ 0 },
	};
	static const struct argp_child children[] = { { &server_address_argp, 0, NULL, 0 }, { 0 } };
	static char doc[DOC_SIZE];
	const struct argp argp = { .options = options,
				   .parser = parse,
				   .args_doc = "[SUBCOMMAND ...]",
				   .doc = doc,
				   .children = children };

	list_subcommands(doc);
	argp_parse(&argp, argc, argv, USAGE_ARGP_FLAGS | ARGP_IN_ORDER, NULL, line);
}

static _Noreturn void reject(const char *name)
{
	char names[DOC_SIZE] = "";
	size_t length = 0;

	for (size_t i = 0; i < subcommand_count && length < sizeof(names); i++) {
		length += (size_t)snprintf(names + length, sizeof(names) - length, "%s%s",
					   i > 0 ? ", " : "", subcommands[i].name);
	}
	usage_error("no such subcommand: %s (there are: %s)", name, names);
}

static const struct subcommand *find(const char *name)
{
	for (size_t i = 0; i < subcommand_count; i++) {
		if (strcmp(subcommands[i].name, name) == 0) {
			return &subcommands[i];
		}
	}
	reject(name);
}

int main(int argc, char **argv)
{
	struct command_line line = { .address = server_address_default(), .rest = argc };
	char name[NAME_SIZE];

	inherited_set_right();
	log_start("turnstile", LOG_WARNING, LOG_TEXT);
	read_command_line(&line, argc, argv);
	if (!line.name) {
		line.name = isatty(STDIN_FILENO) ? "chat" : "send";
	}
	const struct subcommand *subcommand = find(line.name);
	/* The word before its arguments stands for its name, as argv[0] does for a program. */
	snprintf(name, sizeof(name), "turnstile %s", subcommand->name);
	argv[line.rest - 1] = name;
	return subcommand->run(&line.address, argc - line.rest + 1, argv + line.rest - 1);
}
