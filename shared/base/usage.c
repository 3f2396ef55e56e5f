#include "shared/base/usage.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/text/text.h"

#define USAGE_MESSAGE_SIZE 1024 /* bytes */

void usage_error(const char *format, ...)
{
	char message[USAGE_MESSAGE_SIZE];
	char clean[USAGE_MESSAGE_SIZE * TEXT_GROWTH];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	/* What was typed stands in the message, and must not make it two lines. */
	size_t length = text_clean(message, strlen(message), clean);
	fprintf(stderr, "%s: %.*s\n", program_invocation_short_name, (int)length, clean);
	exit(USAGE_STATUS);
}

/* The word at which argp gave up: mostly the last one it took, but not in a cluster like -xy. */
static const char *rejected_word(const struct argp_state *state)
{
	const char *last = state->next > 0 ? state->argv[state->next - 1] : "";

	if (state->next < state->argc && (state->next <= 1 || last[0] != '-')) {
		return state->argv[state->next];
	}
	return last;
}

/* How many of OPTIONS start with NAME; EXACT is set to the one that has just this name. */
static unsigned count_matches(const struct argp_option *options, const char *name, size_t length,
			      const struct argp_option **exact)
{
	unsigned matches = 0;

	for (; options->name || options->doc; options++) {
		if (!options->name || strncmp(options->name, name, length) != 0) {
			continue;
		}
		matches++;
		if (options->name[length] == '\0') {
			*exact = options;
		}
	}
	return matches;
}

/* The same in ARGP's options and in those of its children. */
static unsigned count_all(const struct argp *argp, const char *name, size_t length,
			  const struct argp_option **exact)
{
	unsigned matches = count_matches(argp->options, name, length, exact);

	for (const struct argp_child *child = argp->children; child && child->argp; child++) {
		matches += count_all(child->argp, name, length, exact);
	}
	return matches;
}

static _Noreturn void reject(const struct argp_state *state)
{
	const char *word = rejected_word(state);
	const struct argp_option *exact = NULL;
	unsigned matches = 0;
	int length = (int)strcspn(word, "=");

	if (strncmp(word, "--", 2) == 0) {
		matches = count_all(state->root_argp, word + 2, (size_t)length - 2, &exact);
	}
	if (exact && exact->arg) {
		usage_error("%s needs a value: %s=%s", word, word, exact->arg);
	}
	if (matches == 1) {
		usage_error("%.*s takes no value", length, word);
	}
	if (matches > 1) {
		usage_error("%.*s is short for more than one option: write it in full", length,
			    word);
	}
	usage_error("no such option: %.*s (%s --help lists them)", length, word, state->name);
}

error_t usage_parse(int key, struct argp_state *state)
{
	switch (key) {
	case USAGE_KEY_HELP:
		argp_help(state->root_argp, stdout, ARGP_HELP_STD_HELP & ~ARGP_HELP_EXIT_OK,
			  state->name);
		exit(EXIT_SUCCESS);
	case USAGE_KEY_VERSION:
		printf("%s %s\n", program_invocation_short_name, TURNSTILE_VERSION);
		exit(EXIT_SUCCESS);
	case ARGP_KEY_ERROR: reject(state);
	case ARGP_KEY_ARG: usage_error("not an option: %s", state->argv[state->next - 1]);
	default: return ARGP_ERR_UNKNOWN;
	}
}
