/*
 * usage: wrong use of a program: one line on stderr that says what is wrong and what would be
 * right, and exit status 2.
 *
 * argp by itself prints two lines, or none of its own for what getopt finds. So the programs let it
 * be silent (USAGE_ARGP_FLAGS), have --help and --version as options of their own (USAGE_OPTIONS,
 * to be put at the end of theirs), and hand what they do not know to usage_parse.
 */
#ifndef SHARED_BASE_USAGE_H
#define SHARED_BASE_USAGE_H

#include <argp.h>

#define USAGE_STATUS     2
#define USAGE_ARGP_FLAGS (ARGP_NO_ERRS | ARGP_NO_HELP)

#define USAGE_KEY_HELP    0x7001
#define USAGE_KEY_VERSION 0x7002
#define USAGE_OPTION_HELP                                                \
	{                                                                \
		"help", USAGE_KEY_HELP, NULL, 0, "Say this and exit", -1 \
	}
#define USAGE_OPTION_VERSION                                                          \
	{                                                                             \
		"version", USAGE_KEY_VERSION, NULL, 0, "Say the version and exit", -1 \
	}

/* Says "PROGRAM: message" in one line and exits with USAGE_STATUS. */
__attribute__((format(printf, 1, 2))) _Noreturn void usage_error(const char *format, ...);

/*
 * What a program's argp parser does with the keys that are not its own: --help, --version, and
 * what argp could not make sense of.
 */
error_t usage_parse(int key, struct argp_state *state);

#endif
