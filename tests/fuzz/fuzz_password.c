/*
 * The operator's password file: what is taken of it somebody could type, or is a hash; what is
 * wrong with it is said without saying what stands in it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/config/option_row.h"
#include "shared/text/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TOLD_LENGTH 24 /* bytes of it in a row that our own words do not have */

static void expect(bool holds)
{
	if (!holds) {
		abort();
	}
}

static int write_file(const uint8_t *data, size_t size)
{
	static int file = -1;

	if (file < 0) {
		file = memfd_create("password", MFD_CLOEXEC);
		expect(file >= 0 && fchmod(file, 0600) == 0);
	}
	expect(pwrite(file, data, size, 0) == (ssize_t)size && ftruncate(file, (off_t)size) == 0);
	return file;
}

static void check_told(const char *problem, const uint8_t *data, size_t size)
{
	expect(problem[0] != '\0' && memchr(problem, '\0', OPTION_PROBLEM_SIZE));
	for (size_t i = 0; i + TOLD_LENGTH <= size; i++) {
		expect(!memmem(problem, strlen(problem), data + i, TOLD_LENGTH));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct options options;
	char path[64], problem[OPTION_PROBLEM_SIZE];

	memset(options.operator_password, 'x', sizeof(options.operator_password));
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", write_file(data, size));
	if (!option_set(&options, option_row_find("op-password-file"), path, problem)) {
		check_told(problem, data, size);
		return 0;
	}
	size_t length = strnlen(options.operator_password, sizeof(options.operator_password));

	expect(length > 0 && length < sizeof(options.operator_password));
	expect(text_is_clean(options.operator_password, length));
	return 0;
}
