/*
 * options: the command line of `turnstile race`. What is wrong ends the program with one line
 * (shared/base/usage.h).
 */
#ifndef CLIENT_RACE_OPTIONS_H
#define CLIENT_RACE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "client/race/heat.h"
#include "client/race/schedule.h"

struct race_options {
	struct race_plan plan; /* its url is NULL: a store that goes away afterwards */
	size_t count;          /* of the strategies, in the order asked for */
	enum race_strategy strategies[RACE_STRATEGIES];
	const char *svg;   /* files to write, or NULL */
	const char *trace; /* likewise */
	const char *html;  /* likewise */
	bool json;
	bool exhaustive;
	bool scheduled; /* then the plan has this one */
	struct race_schedule schedule;
};

void race_options_read(struct race_options *options, int argc, char **argv);

#endif
