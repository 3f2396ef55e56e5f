/*
 * A line is put together on the stack: nothing is allocated, so that the log still works when
 * memory has run out. What is set by log_start is only read afterwards, by any thread.
 */
#include "shared/base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "shared/base/log_sink.h"
#include "shared/text/text.h"

#define WHO_SIZE     32
#define DROPPED_SIZE 96

struct line_out {
	size_t length;
	char bytes[LOG_LINE_MAX];
};

static const char *const level_names[] = {
	[LOG_ERROR] = "error", [LOG_WARNING] = "warning", [LOG_NOTICE] = "notice",
	[LOG_INFO] = "info",   [LOG_DEBUG] = "debug",
};

/* As syslog(3) counts them, and sd-daemon(3) writes them. */
static const char *const level_prefixes[] = {
	[LOG_ERROR] = "<3>", [LOG_WARNING] = "<4>", [LOG_NOTICE] = "<5>",
	[LOG_INFO] = "<6>",  [LOG_DEBUG] = "<7>",
};

static char who[WHO_SIZE] = "turnstile";
static enum log_level least_urgent = LOG_INFO;
static enum log_format log_form = LOG_TEXT;
static bool to_journal; /* stderr leads to systemd's journal, which adds the time by itself */
static _Atomic uint64_t dropped; /* lines that stderr did not take, and nobody knows of yet */

/* systemd.exec(5): the variable names the device and inode of the stream, if it is one. */
static bool is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	struct stat status;
	char own[64];

	if (!stream || fstat(STDERR_FILENO, &status) != 0) {
		return false;
	}
	(void)snprintf(own, sizeof(own), "%ju:%ju", (uintmax_t)status.st_dev,
		       (uintmax_t)status.st_ino);
	return strcmp(stream, own) == 0;
}

void log_start(const char *name, enum log_level level, enum log_format format)
{
	log_rename(name);
	log_set(level, format);
	to_journal = is_journal();
}

void log_set(enum log_level level, enum log_format format)
{
	least_urgent = level;
	log_form = format;
}

void log_never_block(void)
{
	log_sink_never_block();
}

void log_rename(const char *name)
{
	dropped = 0; /* a child's parent will tell of its own */
	(void)snprintf(who, sizeof(who), "%s", name);
}

bool log_level_read(const char *text, enum log_level *level)
{
	for (size_t i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++) {
		if (strcmp(text, level_names[i]) == 0) {
			*level = (enum log_level)i;
			return true;
		}
	}
	return false;
}

static bool is_enabled(enum log_level level)
{
	return level <= least_urgent;
}

/* Whole characters of TEXT, up to byte END of the line; ESCAPED as a JSON string has them. */
static void append(struct line_out *line, const char *text, size_t length, bool escaped, size_t end)
{
	while (length > 0) {
		uint32_t point;
		size_t size = text_decode(text, length, &point);
		size_t slash = escaped && (point == '"' || point == '\\') ? 1 : 0;

		if (line->length + slash + size > end) {
			return;
		}
		if (slash == 1) {
			line->bytes[line->length++] = '\\';
		}
		memcpy(line->bytes + line->length, text, size);
		line->length += size;
		text += size;
		length -= size;
	}
}

/* Cleans MESSAGE and adds as much of it as fits before TAIL, and TAIL. */
static void append_message(struct line_out *line, const char *message, bool escaped,
			   const char *tail)
{
	char clean[LOG_LINE_MAX * TEXT_GROWTH];
	size_t length = text_clean(message, strlen(message), clean);
	size_t tail_length = strlen(tail);

	append(line, clean, length, escaped, sizeof(line->bytes) - tail_length);
	memcpy(line->bytes + line->length, tail, tail_length);
	line->length += tail_length;
}

static void append_plain(struct line_out *line, const char *text)
{
	append(line, text, strlen(text), false, sizeof(line->bytes));
}

static bool write_text(enum log_level level, const char *time, const char *message)
{
	struct line_out line = { .length = 0 };

	if (to_journal) {
		append_plain(&line, level_prefixes[level]);
		append_plain(&line, who);
	} else {
		append_plain(&line, time);
		append_plain(&line, " ");
		append_plain(&line, who);
		append_plain(&line, " ");
		append_plain(&line, level_names[level]);
	}
	append_plain(&line, ": ");
	append_message(&line, message, false, "\n");
	return log_sink_write(line.bytes, line.length);
}

static bool write_json(enum log_level level, const char *time, const char *message)
{
	struct line_out line = { .length = 0 };

	append_plain(&line, "{\"time\":\"");
	append_plain(&line, time);
	append_plain(&line, "\",\"level\":\"");
	append_plain(&line, level_names[level]);
	append_plain(&line, "\",\"who\":\"");
	append_message(&line, who, true, "\",\"message\":\"");
	append_message(&line, message, true, "\"}\n");
	return log_sink_write(line.bytes, line.length);
}

/* Before anything else: FORMAT may ask for errno (%m). */
static void compose(char *message, const char *format, va_list arguments)
{
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): a false alarm of clang 14 */
	if (vsnprintf(message, LOG_LINE_MAX, format, arguments) < 0) {
		(void)snprintf(message, LOG_LINE_MAX, "%s", format);
	}
}

static bool say(enum log_level level, const char *message)
{
	char time[CLOCK_TEXT_SIZE];

	clock_format(clock_wall_ns(), time);
	return log_form == LOG_JSON ? write_json(level, time, message)
				    : write_text(level, time, message);
}

/* Whoever reads again is told first what is missing. */
static void say_dropped(void)
{
	uint64_t count = atomic_exchange(&dropped, 0);
	char message[DROPPED_SIZE];

	if (count == 0) {
		return;
	}
	(void)snprintf(message, sizeof(message),
		       "%" PRIu64 " lines are missing here: nobody read the log", count);
	if (!say(LOG_WARNING, message)) {
		atomic_fetch_add(&dropped, count);
	}
}

void log_tick(void)
{
	int saved_errno = errno;

	say_dropped();
	errno = saved_errno;
}

static void log_at(enum log_level level, const char *format, va_list arguments)
{
	int saved_errno = errno;
	char message[LOG_LINE_MAX];

	if (!is_enabled(level)) {
		return;
	}
	compose(message, format, arguments);
	say_dropped();
	if (!say(level, message)) {
		atomic_fetch_add(&dropped, 1);
	}
	errno = saved_errno;
}

void log_error(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	log_at(LOG_ERROR, format, arguments);
	va_end(arguments);
}

void log_warning(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	log_at(LOG_WARNING, format, arguments);
	va_end(arguments);
}

void log_notice(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	log_at(LOG_NOTICE, format, arguments);
	va_end(arguments);
}

void log_info(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	log_at(LOG_INFO, format, arguments);
	va_end(arguments);
}

void log_debug(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	log_at(LOG_DEBUG, format, arguments);
	va_end(arguments);
}

void die(const char *format, ...)
{
	char message[LOG_LINE_MAX];
	struct line_out line = { .length = 0 };
	va_list arguments;

	va_start(arguments, format);
	compose(message, format, arguments);
	va_end(arguments);
	append_plain(&line, program_invocation_short_name);
	append_plain(&line, ": ");
	append_message(&line, message, false, "\n");
	(void)log_sink_write(line.bytes, line.length);
	exit(EXIT_FAILURE);
}

void bug_at(const char *file, int line, const char *format, ...)
{
	char message[LOG_LINE_MAX];
	va_list arguments;

	va_start(arguments, format);
	compose(message, format, arguments);
	va_end(arguments);
	log_error("bug at %s:%d: %s", file, line, message);
	abort();
}
