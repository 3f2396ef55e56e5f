/*
 * A configuration file: every setting that is handed on is an option's or not, in whole; what is
 * wrong is named with its line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "server/config/config_file.h"
#include "server/config/option_row.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Takes it as options_read does, but opens no further file. */
static bool take(void *context, const char *name, const char *value, char *problem)
{
	const struct option_row *row = option_row_find(name);

	if (strchr(name, '\n') || strchr(value, '\n')) {
		abort();
	}
	if (!row) {
		return option_problem(problem, "there is no option %s", name);
	}
	return strstr(row->name, "-file") || option_set(context, row, value, problem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct options options;
	static int file = -1;
	char path[64], problem[OPTION_PROBLEM_SIZE];

	if (file < 0 && (file = memfd_create("config", MFD_CLOEXEC)) < 0) {
		abort();
	}
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	if (pwrite(file, data, size, 0) != (ssize_t)size || ftruncate(file, (off_t)size) < 0) {
		abort();
	}
	memset(&options, 0, sizeof(options));
	if (!config_file_read(path, take, &options, problem) &&
	    (strncmp(problem, path, strlen(path)) != 0 ||
	     strtol(problem + strlen(path) + 1, NULL, 10) < 1)) {
		abort();
	}
	return 0;
}
