/*
 * option_row: one row an option: its name on the command line and in the file, what the help says,
 * what may be given and where it goes.
 *
 * The command line (options_read.h), the file (config_file.h) and the help are all made from these
 * rows, so an option is added here and nowhere else. A value that is no good leaves the options as
 * they were and a problem that says what would be right.
 */
#ifndef SERVER_CONFIG_OPTION_ROW_H
#define SERVER_CONFIG_OPTION_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/config/options.h"

struct option_row {
	const char *name;     /* NULL: a heading of the help */
	const char *argument; /* as the help shows it; NULL: it stands alone, and means "on" */
	const char *help;
	const char *initial; /* the value until one is given; NULL: none, or worked out later */
	/* One of the three: a whole number, a number of bytes (64KiB), any text. */
	void (*number)(struct options *options, int64_t number);
	void (*size)(struct options *options, int64_t bytes);
	bool (*text)(struct options *options, const char *value, char *problem);
	int64_t least, most; /* of a number or size */
	bool repeats;        /* each one given adds to the others */
};

extern const struct option_row option_rows[];
extern const size_t option_row_count;

/* The row of that name, or NULL. */
const struct option_row *option_row_find(const char *name);

/* Sets one option; false and PROBLEM (OPTION_PROBLEM_SIZE bytes) when VALUE is no good. */
bool option_set(struct options *options, const struct option_row *row, const char *value,
		char *problem);

#endif
