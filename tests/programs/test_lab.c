/* turnstile lab: every experiment runs here as people run it. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/usage.h"
#include "tests/support/capture.h"
#include "tests/support/folder.h"

#define PATIENCE_NS   (120 * NS_PER_SECOND) /* what --all may take */
#define ARGUMENTS_MAX 4
#define TEXT_SIZE     128
#define PAGE_MOST     300000 /* bytes */

static const char *const names[] = {
	"process",
	"isolation",
	"daemon",
	"zombie",
	"orphan",
	"start-methods",
	"serial-or-parallel",
	"limit",
	"pool",
	"callback",
	"pipe",
	"serialize",
	"queue",
	"joinable-queue",
	"producer-consumer",
	"manager",
	"lock",
	"rlock",
	"deadlock",
	"starvation",
	"semaphore",
	"event",
	"condition",
	"barrier",
	"counter",
	"false-sharing",
	"cpu-or-io",
	"coroutine",
	"tickets",
	"echo",
};
static const size_t name_count = sizeof(names) / sizeof(names[0]);

static struct folder folder;
static struct capture capture;

static void set_up(void)
{
	folder_init(&folder);
}

static void tear_down(void)
{
	capture_free(&capture);
	folder_finish(&folder);
}

TestSuite(programs_lab, .init = set_up, .fini = tear_down, .timeout = 200);

static int run_program(void *argument)
{
	execv(TURNSTILE, argument);
	return 127;
}

/* capture_wait is not as patient as --all may need it. */
static void wait_for_end(void)
{
	int64_t end_ns = clock_deadline(PATIENCE_NS);
	siginfo_t info = { 0 };

	while (info.si_pid == 0 && clock_monotonic_ns() < end_ns) {
		waitid(P_PID, (id_t)capture.child.pid, &info, WEXITED | WNOWAIT | WNOHANG);
		clock_sleep(NS_PER_MS);
	}
}

/* Runs `turnstile lab` with these words, and returns its exit status. */
#define lab(...) lab_with((const char *[]){ "turnstile", "lab", __VA_OPT__(__VA_ARGS__, ) NULL })

static int lab_with(const char **words)
{
	char copies[2 + ARGUMENTS_MAX][FOLDER_PATH_SIZE];
	char *argv[3 + ARGUMENTS_MAX] = { NULL };

	for (size_t i = 0; words[i]; i++) {
		snprintf(copies[i], sizeof(copies[i]), "%s", words[i]);
		argv[i] = copies[i];
	}
	capture_free(&capture);
	capture_start(&capture, -1, run_program, argv);
	wait_for_end();
	capture_wait(&capture);
	return capture.status;
}

static size_t count_of(const char *text, const char *part)
{
	size_t count = 0;

	for (; (text = strstr(text, part)); text += strlen(part)) {
		count++;
	}
	return count;
}

/* How many lines begin so. */
static size_t lines_that_begin(const char *text, const char *start)
{
	char line[TEXT_SIZE + 1];

	snprintf(line, sizeof(line), "\n%s", start);
	return count_of(text, line) + (strncmp(text, start, strlen(start)) == 0);
}

Test(programs_lab, without_a_name_it_lists_each_experiment_in_a_line)
{
	char start[TEXT_SIZE];

	cr_assert_eq(lab(), 0, "%s", capture.errors);
	cr_expect_eq(count_of(capture.output, "\n"), name_count);
	for (size_t i = 0; i < name_count; i++) {
		snprintf(start, sizeof(start), "%s ", names[i]);
		cr_expect_eq(lines_that_begin(capture.output, start), 1, "%s", names[i]);
	}
}

Test(programs_lab, each_experiment_is_as_theory_says)
{
	char verdict[TEXT_SIZE];

	for (size_t i = 0; i < name_count; i++) {
		snprintf(verdict, sizeof(verdict), "\n  %s: as theory says\n", names[i]);
		cr_expect_eq(lab(names[i]), 0, "%s: %s%s", names[i], capture.output,
			     capture.errors);
		cr_expect_eq(count_of(capture.output, verdict), 1, "%s", capture.output);
		cr_expect_eq(count_of(capture.output, "  yes  "),
			     lines_that_begin(capture.output, "  yes  "));
		cr_expect_gt(count_of(capture.output, "  yes  "), 0, "%s states nothing", names[i]);
		cr_expect_eq(count_of(capture.output, "\033"), 0, "colour, and no terminal");
		cr_expect_str_eq(capture.errors, "");
	}
}

Test(programs_lab, all_runs_those_of_the_list_each_once)
{
	char verdict[TEXT_SIZE];

	cr_assert_eq(lab("--all"), 0, "%s%s", capture.output, capture.errors);
	cr_expect_eq(count_of(capture.output, ": as theory says\n"), name_count);
	for (size_t i = 0; i < name_count; i++) {
		snprintf(verdict, sizeof(verdict), "\n  %s: as theory says\n", names[i]);
		cr_expect_eq(count_of(capture.output, verdict), 1, "%s", names[i]);
	}
}

Test(programs_lab, a_wrong_name_gets_one_line_with_those_that_exist)
{
	cr_expect_eq(lab("lock", "nope"), USAGE_STATUS);
	cr_expect_str_eq(capture.output, "");
	cr_expect_eq(count_of(capture.errors, "\n"), 1);
	cr_expect_eq(count_of(capture.errors, "nope"), 1);
	for (size_t i = 0; i < name_count; i++) {
		cr_expect_not_null(strstr(capture.errors, names[i]), "%s", names[i]);
	}
}

Test(programs_lab, all_and_a_name_contradict_each_other)
{
	cr_expect_eq(lab("--all", "lock"), USAGE_STATUS);
	cr_expect_eq(count_of(capture.errors, "\n"), 1);
}

/* Reads a file whole; to be freed. */
static char *read_text(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t size = 0;

	cr_assert_not_null(file);
	cr_assert_gt(getdelim(&text, &size, '\0', file), 0);
	fclose(file);
	return text;
}

Test(programs_lab, a_trace_names_each_row_and_closes_all_that_it_opens)
{
	char path[FOLDER_PATH_SIZE];

	folder_file(&folder, "trace.json", path);
	cr_assert_eq(lab("lock", "--trace", path), 0, "%s", capture.errors);
	char *text = read_text(path);
	cr_expect_eq(count_of(text, "\"process_name\""), 2, "without a lock, and with");
	cr_expect_eq(count_of(text, "\"thread_name\""), 8, "four workers each");
	cr_expect_eq(count_of(text, "\"name\":\"inside\""), 8);
	cr_expect_eq(count_of(text, "\"ph\":\"X\""), count_of(text, "\"dur\":"));
	cr_expect_eq(count_of(text, "{"), count_of(text, "}"));
	cr_expect_eq(strcmp(text + strlen(text) - 5, "}\n]}\n"), 0);
	free(text);
}

Test(programs_lab, an_experiment_without_a_timeline_has_no_trace)
{
	char path[FOLDER_PATH_SIZE];

	folder_file(&folder, "trace.json", path);
	cr_expect_eq(lab("zombie", "--trace", path), USAGE_STATUS);
	cr_expect_not_null(strstr(capture.errors, "tickets"), "%s", capture.errors);
	cr_expect_eq(access(path, F_OK), -1, "nothing is written");
}

Test(programs_lab, a_trace_that_cannot_be_written_is_an_error)
{
	char path[FOLDER_PATH_SIZE];

	folder_file(&folder, "no/trace.json", path);
	cr_expect_eq(lab("lock", "--trace", path), 1);
	cr_expect_eq(count_of(capture.errors, "\n"), 1);
	cr_expect_not_null(strstr(capture.errors, path));
}

/* Its data has no '<', so what comes first after it is the script's end. */
Test(programs_lab, a_page_has_the_whole_timeline_and_asks_no_other_host)
{
	char path[FOLDER_PATH_SIZE];

	folder_file(&folder, "lab.html", path);
	cr_assert_eq(lab("starvation", "--html", path), 0, "%s", capture.errors);
	char *text = read_text(path);
	cr_expect_lt(strlen(text), PAGE_MOST);
	cr_expect_eq(count_of(text, "\"at the counter\""), 2 * 4 * 6, "each turn of each guest");
	cr_expect_eq(count_of(text, "{\"title\":\""), 2, "an unfair lock, and a fair one");
	cr_expect_eq(count_of(text, "{\"holds\":true,"), count_of(capture.output, "  yes  "));
	cr_expect_eq(count_of(text, "src="), 0);
	cr_expect_eq(count_of(text, "//www."), count_of(text, "http://www.w3.org/2000/svg"));
	free(text);
}

Test(programs_lab, the_longest_timeline_makes_a_page_below_its_limit)
{
	char path[FOLDER_PATH_SIZE];

	folder_file(&folder, "lab.html", path);
	cr_assert_eq(lab("limit", "--html", path), 0, "%s", capture.errors);
	char *text = read_text(path);
	cr_expect_lt(strlen(text), PAGE_MOST);
	free(text);
}

Test(programs_lab, a_page_is_of_one_experiment_with_a_timeline)
{
	char path[FOLDER_PATH_SIZE];

	folder_file(&folder, "lab.html", path);
	cr_expect_eq(lab("zombie", "--html", path), USAGE_STATUS);
	cr_expect_eq(lab("--all", "--html", path), USAGE_STATUS);
	cr_expect_not_null(strstr(capture.errors, "starvation"), "%s", capture.errors);
	cr_expect_eq(access(path, F_OK), -1, "nothing is written");
}

static size_t count_files(const char *path)
{
	DIR *list = opendir(path);
	size_t count = 0;

	cr_assert_not_null(list);
	for (const struct dirent *entry; (entry = readdir(list));) {
		count += entry->d_name[0] != '.';
	}
	closedir(list);
	return count;
}

Test(programs_lab, tickets_leaves_no_file_behind)
{
	cr_assert_eq(setenv("TMPDIR", folder.path, 1), 0);
	cr_expect_eq(lab("tickets"), 0, "%s", capture.output);
	cr_expect_eq(count_files(folder.path), 0);
}
