/*
 * log: what the programs say on stderr, and the two ways to give up.
 *
 * A line a message, written with one write(2), so that lines of several processes do not mix. What
 * came from outside may stand in a message: control characters are replaced before it is written.
 * errno is the same after a call as before it. Level and format are one for the process and are
 * inherited by its children. When stderr leads to systemd's journal ($JOURNAL_STREAM), a line of
 * text has its level as the journal reads it, "<4>", and no time, which stands there already.
 */
#ifndef SHARED_BASE_LOG_H
#define SHARED_BASE_LOG_H

#include <stdbool.h>

enum log_level { LOG_ERROR, LOG_WARNING, LOG_NOTICE, LOG_INFO, LOG_DEBUG };
enum log_format { LOG_TEXT, LOG_JSON };

/* The longest line that is written, its LF counted in; what is beyond is cut. */
#define LOG_LINE_MAX 2048

/*
 * Sets the name that stands in every line ("master", "worker 3"), kept by copy and cut at 31
 * bytes, the least urgent level that is still written, and the format; looks where stderr leads.
 * Before the first call: "turnstile", LOG_INFO, LOG_TEXT.
 */
void log_start(const char *who, enum log_level level, enum log_format format);

/* Changes level and format alone; children that are there keep theirs. */
void log_set(enum log_level level, enum log_format format);

/*
 * From here on no line makes the process or its children wait (log_sink.h): what stderr does not
 * take is dropped and counted, and the count is logged before the next line that it takes.
 */
void log_never_block(void);

/* Now and then: logs that count also where there is nothing else to be said. */
void log_tick(void);

/* Changes the name alone: what a child calls after the fork. */
void log_rename(const char *who);

/* Reads "error", "warning", "notice", "info" or "debug"; false if TEXT is none of them. */
bool log_level_read(const char *text, enum log_level *level);

__attribute__((format(printf, 1, 2))) void log_error(const char *format, ...);
__attribute__((format(printf, 1, 2))) void log_warning(const char *format, ...);
__attribute__((format(printf, 1, 2))) void log_notice(const char *format, ...);
__attribute__((format(printf, 1, 2))) void log_info(const char *format, ...);
__attribute__((format(printf, 1, 2))) void log_debug(const char *format, ...);

/*
 * What the world did to us, at start-up: says "PROGRAM: message" on stderr and exits with 1. At run
 * time one connection, one request or one worker pays, not the program: log there.
 */
__attribute__((format(printf, 1, 2))) _Noreturn void die(const char *format, ...);

/* A promise of our own that was broken: says which, in which file and line, and aborts. */
#define bug(...) bug_at(__FILE__, __LINE__, __VA_ARGS__)
__attribute__((format(printf, 3, 4))) _Noreturn void bug_at(const char *file, int line,
							    const char *format, ...);

#endif
