#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "shared/base/log.h"
#include "tests/support/child.h"

TestSuite(log);

#define TEXT_SIZE 65536

static char text[TEXT_SIZE];
static const char *said; /* by the child */

static int caught(int (*run)(void *argument), void *argument)
{
	return child_run_caught(run, argument, STDERR_FILENO, text, sizeof(text));
}

static int caught_saying(int (*run)(void *argument), const char *message)
{
	said = message;
	return caught(run, NULL);
}

/* What stands behind the time, which is checked to be one, of the first line. */
static const char *after_time(void)
{
	cr_assert_gt(strlen(text), CLOCK_TEXT_SIZE);
	cr_assert_eq(strspn(text, "0123456789-T:"), CLOCK_TEXT_SIZE - 2, "%s", text);
	cr_assert_eq(text[CLOCK_TEXT_SIZE - 2], 'Z');
	return text + CLOCK_TEXT_SIZE - 1;
}

static int say_warning(void *argument)
{
	log_start("worker 3", LOG_INFO, LOG_TEXT);
	(void)argument;
	log_warning("%s", said);
	return 0;
}

/* With $JOURNAL_STREAM as it is for this stderr, or else for another one. */
static int say_to_journal(void *own)
{
	struct stat status;
	char stream[64];

	cr_assert_eq(fstat(STDERR_FILENO, &status), 0);
	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)status.st_dev,
		 (uintmax_t)status.st_ino + (!own));
	setenv("JOURNAL_STREAM", stream, 1);
	return say_warning(NULL);
}

static int say_json(void *argument)
{
	log_start("worker \"3\"", LOG_INFO, LOG_JSON);
	(void)argument;
	log_warning("%s", said);
	return 0;
}

Test(log, the_journal_gets_the_level_in_its_own_way_and_no_second_time)
{
	said = "all is well";
	cr_assert_eq(caught(say_to_journal, text), 0);
	cr_expect_str_eq(text, "<4>worker 3: all is well\n");
	cr_assert_eq(caught(say_to_journal, NULL), 0);
	cr_expect_str_eq(after_time(), " worker 3 warning: all is well\n");
}

static int say_notice_to_journal(void *argument)
{
	struct stat status;
	char stream[64];

	(void)argument;
	cr_assert_eq(fstat(STDERR_FILENO, &status), 0);
	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)status.st_dev,
		 (uintmax_t)status.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	log_start("worker 3", LOG_NOTICE, LOG_TEXT);
	log_info("of less importance");
	log_notice("kicked");
	return 0;
}

Test(log, a_notice_is_of_priority_five_in_the_journal)
{
	cr_assert_eq(caught(say_notice_to_journal, NULL), 0);
	cr_expect_str_eq(text, "<5>worker 3: kicked\n");
}

Test(log, a_text_line_has_time_name_level_and_message)
{
	cr_assert_eq(caught_saying(say_warning, "all is well"), 0);
	cr_assert_str_eq(after_time(), " worker 3 warning: all is well\n");
}

Test(log, a_json_line_is_one_object)
{
	static const char head[] = "{\"time\":\"";

	cr_assert_eq(caught_saying(say_json, "a \"quote\" and a \\"), 0);
	cr_assert_eq(strncmp(text, head, strlen(head)), 0);
	cr_assert_str_eq(text + strlen(head) + CLOCK_TEXT_SIZE - 1,
			 "\",\"level\":\"warning\",\"who\":\"worker \\\"3\\\"\","
			 "\"message\":\"a \\\"quote\\\" and a \\\\\"}\n");
}

Test(log, control_characters_do_not_reach_the_terminal)
{
	cr_assert_eq(caught_saying(say_warning, "a\x1b[2Jb\nc\x7f\xc2\x9b"), 0);
	const char *line = after_time();
	cr_assert_null(strchr(line, '\x1b'));
	cr_assert_null(strchr(line, '\x7f'));
	cr_assert_null(strstr(line, "\xc2\x9b"));
	cr_assert_eq(strchr(line, '\n'), line + strlen(line) - 1, "one line only");
}

Test(log, json_has_no_control_character_and_no_broken_utf_8)
{
	cr_assert_eq(caught_saying(say_json, "a\nb\xff\x01"), 0);
	for (const char *at = text; *at != '\0'; at++) {
		cr_assert((unsigned char)*at >= 0x20 || (*at == '\n' && at[1] == '\0'));
	}
	cr_assert_null(strchr(text, '\xff'));
}

static int say_long(void *argument)
{
	char message[3 * LOG_LINE_MAX];
	const char *unit = said;
	size_t size = strlen(unit);
	size_t length = 0;

	for (; length + size < sizeof(message); length += size) {
		memcpy(message + length, unit, size);
	}
	message[length] = '\0';
	said = message;
	return say_json(argument);
}

static void assert_cut_well(const char *unit, const char *before_tail)
{
	static const char tail[] = "\"}\n";

	cr_assert_eq(caught_saying(say_long, unit), 0);
	size_t length = strlen(text);
	cr_assert_leq(length, LOG_LINE_MAX);
	cr_assert_geq(length, LOG_LINE_MAX - 3);
	cr_assert_str_eq(text + length - strlen(tail), tail);
	size_t size = strlen(before_tail);
	cr_assert_eq(memcmp(text + length - strlen(tail) - size, before_tail, size), 0);
}

Test(log, a_long_line_is_cut_between_characters)
{
	assert_cut_well("x", "x");
	assert_cut_well("\"", "\\\"");
	assert_cut_well("\xc3\xa9", "\xc3\xa9");
	assert_cut_well("\xe2\x82\xac", "\xe2\x82\xac");
}

static int say_to_socket(void *argument)
{
	const int *socket = argument;

	child_check(dup2(*socket, STDERR_FILENO) == STDERR_FILENO);
	log_info("one");
	log_error("two");
	return 0;
}

Test(log, a_line_is_one_write)
{
	int ends[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	cr_assert_eq(child_run(say_to_socket, &ends[1]), 0);
	close(ends[1]);
	for (int lines = 0; lines < 2; lines++) {
		ssize_t length = read(ends[0], text, sizeof(text));
		cr_assert_gt(length, 0);
		cr_assert_eq(text[length - 1], '\n');
	}
	cr_assert_eq(read(ends[0], text, sizeof(text)), 0, "two writes for two lines");
	close(ends[0]);
}

static int say_errno(void *argument)
{
	(void)argument;
	close(STDERR_FILENO);
	errno = ENOSPC;
	log_error("cannot: %m");
	return errno == ENOSPC ? 0 : 1;
}

static int say_what_errno_is(void *argument)
{
	(void)argument;
	errno = ENOSPC;
	log_error("cannot: %m");
	return errno == ENOSPC ? 0 : 1;
}

Test(log, errno_survives)
{
	cr_assert_eq(child_run(say_errno, NULL), 0, "also when nothing could be written");
	cr_assert_eq(caught(say_what_errno_is, NULL), 0);
	cr_assert_not_null(strstr(text, strerror(ENOSPC)));
}

static int say_all_levels(void *argument)
{
	const enum log_level *level = argument;

	log_start("x", *level, LOG_TEXT);
	log_error("e");
	log_warning("w");
	log_notice("n");
	log_info("i");
	log_debug("d");
	return 0;
}

Test(log, only_what_is_urgent_enough_is_written)
{
	for (enum log_level level = LOG_ERROR; level <= LOG_DEBUG; level++) {
		int lines = 0;
		cr_assert_eq(caught(say_all_levels, &level), 0);
		for (const char *at = text; *at != '\0'; at++) {
			lines += *at == '\n';
		}
		cr_assert_eq(lines, (int)level + 1);
	}
}

Test(log, levels_are_read_by_name)
{
	enum log_level level = LOG_ERROR;

	cr_assert(log_level_read("debug", &level));
	cr_assert_eq(level, LOG_DEBUG);
	cr_assert(log_level_read("warning", &level));
	cr_assert_eq(level, LOG_WARNING);
	cr_assert(log_level_read("notice", &level));
	cr_assert_eq(level, LOG_NOTICE);
	cr_assert(log_level_read("warning", &level));
	cr_assert_not(log_level_read("Debug", &level));
	cr_assert_not(log_level_read("", &level));
	cr_assert_eq(level, LOG_WARNING);
}

static int say_renamed(void *argument)
{
	(void)argument;
	log_rename(said);
	log_info("here");
	return 0;
}

Test(log, a_name_is_cut_at_31_bytes)
{
	cr_assert_eq(caught_saying(say_renamed, "0123456789012345678901234567890123456789"), 0);
	cr_assert_str_eq(after_time(), " 0123456789012345678901234567890 info: here\n");
}

static int give_up(void *argument)
{
	(void)argument;
	die("port %d:\x1b is taken", 7000);
}

Test(log, die_names_the_program_and_exits_with_1)
{
	char start[256];

	cr_assert_eq(caught(give_up, NULL), 1);
	int length =
		snprintf(start, sizeof(start), "%s: port 7000:", program_invocation_short_name);
	cr_assert_eq(strncmp(text, start, (size_t)length), 0, "%s", text);
	cr_assert_null(strchr(text, '\x1b'));
}

static int break_promise(void *argument)
{
	(void)argument;
	bug("%s", "the sky fell");
}

Test(log, a_bug_names_file_and_line_and_aborts)
{
	cr_assert_eq(caught(break_promise, NULL), -SIGABRT);
	cr_assert_not_null(strstr(text, "test_log.c:"));
	cr_assert_not_null(strstr(text, ": the sky fell\n"));
}

/* Nobody reads */

#define NOBODY 65534

enum reader { READER_OF_PIPE, READER_OF_SOCKET, READER_OF_NOBODYS_PIPE };

static int to_read; /* the other end of stderr */

/* In a child: stderr leads where nobody reads until to_read is read. */
static void lead_stderr_to(const enum reader *reader)
{
	int ends[2];

	if (*reader == READER_OF_SOCKET) {
		child_check(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
	} else {
		child_check(pipe(ends) == 0);
	}
	if (*reader == READER_OF_NOBODYS_PIPE) {
		child_check(fchmod(ends[1], 0) == 0);
		child_check(getuid() != 0 || setuid(NOBODY) == 0); /* root may open all */
	}
	to_read = ends[0];
	child_check(fcntl(to_read, F_SETFL, O_NONBLOCK) == 0);
	child_check(dup2(ends[1], STDERR_FILENO) == STDERR_FILENO);
	log_start("worker 3", LOG_INFO, LOG_TEXT);
	log_never_block();
}

static size_t read_what_is_there(void)
{
	size_t length = 0;
	ssize_t got;

	while ((got = read(to_read, text + length, sizeof(text) - 1 - length)) > 0) {
		length += (size_t)got;
	}
	text[length] = '\0';
	return length;
}

#define LINES 20000

/* Whether the text is as many whole lines as there can be numbers in a row from FIRST on. */
static unsigned numbers_in_a_row(unsigned first)
{
	unsigned number = first;

	for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1, number++) {
		const char *said_number = strstr(line, "line ");

		child_check(said_number && said_number < end);
		child_check(strtoul(said_number + 5, NULL, 10) == number);
	}
	return number;
}

static int log_to_nobody(void *reader)
{
	char missing[96];

	lead_stderr_to(reader);
	for (unsigned i = 0; i < LINES; i++) {
		log_info("line %u", i);
	}
	child_check(read_what_is_there() > 0);
	unsigned taken = numbers_in_a_row(0);

	while (read_what_is_there() > 0) {
		taken = numbers_in_a_row(taken);
	}
	child_check(taken < LINES);
	log_info("line %u", LINES);
	child_check(read_what_is_there() > 0);
	snprintf(missing, sizeof(missing),
		 " worker 3 warning: %u lines are missing here: nobody read the log\n",
		 LINES - taken);
	child_check(strstr(text, missing));
	child_check(strstr(strstr(text, missing) + 1, "info: line 20000\n"));
	return 0;
}

Test(log, a_pipe_that_nobody_reads_makes_nobody_wait_and_the_reader_is_told_what_is_missing)
{
	enum reader reader = READER_OF_PIPE;

	cr_expect_eq(child_run(log_to_nobody, &reader), 0);
}

Test(log, the_same_of_a_socket)
{
	enum reader reader = READER_OF_SOCKET;

	cr_expect_eq(child_run(log_to_nobody, &reader), 0);
}

Test(log, the_same_of_a_pipe_that_may_not_be_opened_anew)
{
	enum reader reader = READER_OF_NOBODYS_PIPE;

	cr_expect_eq(child_run(log_to_nobody, &reader), 0);
}

static int see_that_ours_waits(void *unused)
{
	int ends[2];

	(void)unused;
	child_check(pipe(ends) == 0);
	child_check(dup2(ends[1], STDERR_FILENO) == STDERR_FILENO);
	log_never_block();
	child_check((fcntl(ends[1], F_GETFL) & O_NONBLOCK) == 0);
	child_check((fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK) != 0);
	return 0;
}

Test(log, others_who_have_the_same_stderr_wait_as_before)
{
	cr_expect_eq(child_run(see_that_ours_waits, NULL), 0);
}

static int drop_and_say_it_at_the_next_tick(void *unused)
{
	const enum reader reader = READER_OF_PIPE;

	(void)unused;
	lead_stderr_to(&reader);
	for (unsigned i = 0; i < LINES; i++) {
		log_info("line %u", i);
	}
	while (read_what_is_there() > 0) {
	}
	log_tick();
	child_check(read_what_is_there() > 0 && strstr(text, " lines are missing here"));
	log_tick();
	child_check(read_what_is_there() == 0);
	return 0;
}

Test(log, the_count_is_said_also_when_there_is_nothing_else_to_say)
{
	cr_expect_eq(child_run(drop_and_say_it_at_the_next_tick, NULL), 0);
}
