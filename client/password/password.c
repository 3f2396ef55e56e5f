#include "client/password/password.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/password/typed.h"
#include "client/terminal/output.h"
#include "shared/base/log.h"
#include "shared/base/password.h"
#include "shared/base/usage.h"

#define LINE_SIZE (PASSWORD_SIZE + 16) /* bytes: of one that is too long, more than fits */

static error_t parse(int key, char *argument, struct argp_state *state)
{
	if (key == ARGP_KEY_ARG) {
		usage_error("no argument is taken, as others could see it: %s", argument);
	}
	return usage_parse(key, state);
}

static void read_command_line(int argc, char **argv)
{
	static const struct argp_option options[] = {
		USAGE_OPTION_HELP,
		USAGE_OPTION_VERSION,
		{ 0 },
	};
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.doc = "Asks for a password twice, without showing it, and prints what belongs "
		       "into the file of turnstiled's --op-password-file: the password hashed "
		       "(argon2id). When stdin is no terminal, its first line is the password."
	};

	argp_parse(&argp, argc, argv, USAGE_ARGP_FLAGS, NULL, NULL);
}

static bool is_same(struct span a, struct span b)
{
	return a.length == b.length && memcmp(a.text, b.text, a.length) == 0;
}

/* The line without the CR of other systems. */
static struct span ask(const char *prompt, char bytes[LINE_SIZE])
{
	struct span line = typed_line(prompt, bytes, LINE_SIZE);

	if (line.length > 0 && line.text[line.length - 1] == '\r') {
		line.length--;
	}
	return line;
}

static struct span ask_twice(char bytes[LINE_SIZE])
{
	char again[LINE_SIZE];
	struct span password = ask("password: ", bytes);
	const char *fault = password_fault(password);

	if (fault) {
		die("this password is of no use: %s", fault);
	}
	if (isatty(STDIN_FILENO)) {
		bool same = is_same(ask("the same again: ", again), password);

		password_forget(again, sizeof(again));
		if (!same) {
			die("the two are not the same");
		}
	}
	return password;
}

int password_run(const struct server_address *usual, int argc, char **argv)
{
	char bytes[LINE_SIZE];
	char hash[PASSWORD_HASH_SIZE];

	(void)usual;
	read_command_line(argc, argv);
	const char *fault = password_make(ask_twice(bytes), hash);

	password_forget(bytes, sizeof(bytes));
	if (fault) {
		die("the password cannot be hashed: %s", fault);
	}
	(void)puts(hash);
	output_flush_or_die();
	return EXIT_SUCCESS;
}
