#include "server/config/config_file.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <string.h>

#include "server/config/options.h"
#include "shared/text/text_file.h"

/*
 * inih does not tell its handler where a setting stands, so the reader that it gets its lines from
 * counts them.
 */
struct reading {
	const char *path;
	FILE *file;
	int line;
	config_taker take;
	void *context;
	char *problem;
	bool failed;
};

static void fail(struct reading *reading, const char *what)
{
	reading->failed = true;
	option_problem(reading->problem, "%s:%d: %s", reading->path, reading->line, what);
}

/*
 * A NUL ends what inih sees of a line; the rest would be lost without a word. SIZE bytes at TEXT
 * had none before the line was read there.
 */
static bool is_whole(struct reading *reading, const char *text, size_t size)
{
	if (memrchr(text, '\0', size) != text + strlen(text)) {
		fail(reading, "there is a NUL in the line");
		return false;
	}
	if (!strchr(text, '\n') && !feof(reading->file)) {
		char problem[OPTION_PROBLEM_SIZE];

		(void)option_problem(problem, "the line has more than %zu bytes", size - 2);
		fail(reading, problem);
		return false;
	}
	return true;
}

static char *next_line(char *text, int size, void *stream)
{
	struct reading *reading = stream;

	memset(text, '\n', (size_t)size);
	if (reading->failed || !fgets(text, size, reading->file)) {
		return NULL;
	}
	struct span line = span_of(text);

	if (reading->line++ == 0 && !text_file_begin(&line)) {
		fail(reading, TEXT_FILE_IS_UTF16);
		return NULL;
	}
	if (!is_whole(reading, text, (size_t)size)) {
		return NULL;
	}
	/* An indented line would be taken as the one before it going on. */
	line = text_file_trim(line);
	memmove(text, line.text, line.length);
	text[line.length] = '\0';
	return text;
}

static int take_setting(void *context, const char *section, const char *name, const char *value)
{
	struct reading *reading = context;
	char problem[OPTION_PROBLEM_SIZE];

	if (reading->failed) {
		return 0;
	}
	if (section[0] != '\0') {
		fail(reading, "there are no sections here: leave the [line] out");
		return 0;
	}
	if (!reading->take(reading->context, name, value, problem)) {
		fail(reading, problem);
		return 0;
	}
	return 1;
}

bool config_file_read(const char *path, config_taker take, void *context, char *problem)
{
	struct reading reading = {
		.path = path, .take = take, .context = context, .problem = problem
	};

	reading.file = fopen(path, "re");
	if (!reading.file) {
		return option_problem(problem, "%s: cannot be read: %s", path, strerror(errno));
	}
	int wrong_line = ini_parse_stream(next_line, &reading, take_setting, &reading);
	if (ferror(reading.file) && !reading.failed) {
		reading.failed = true;
		option_problem(problem, "%s: cannot be read: %s", path, strerror(errno));
	}
	fclose(reading.file);
	if (wrong_line != 0 && !reading.failed) {
		return option_problem(problem, "%s:%d: must be 'name = value'", path, wrong_line);
	}
	return !reading.failed;
}
