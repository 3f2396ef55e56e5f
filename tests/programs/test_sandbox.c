/* That the running server is bound: what each role may not do, tests/server/sandbox tries. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/programs/watch.h"
#include "tests/support/child.h"
#include "tests/support/server.h"

#define STATUS_SIZE 4096
#define OTHER_USER  65534 /* nobody */

static struct turnstiled server;
static struct talk talk;

static void init(void)
{
	char path[FOLDER_PATH_SIZE];

	turnstiled_init(&server, TURNSTILED);
	folder_file(&server.folder, "password", path);
	FILE *file = fopen(path, "we");
	cr_assert(file && fchmod(fileno(file), 0600) == 0);
	cr_assert(fputs("a password for operators\n", file) >= 0 && fclose(file) == 0);
	setenv("PASSWORD_FILE", path, 1);
}

static void finish(void)
{
	turnstiled_finish(&server);
}

TestSuite(programs_sandbox, .init = init, .fini = finish, .timeout = 60);

/* Whether a line of /proc/PID/status has that value. */
static bool status_is(pid_t pid, const char *name, int value)
{
	char path[64], text[STATUS_SIZE];
	int found = -1;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	FILE *file = fopen(path, "re");
	cr_assert_not_null(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	const char *line = strstr(text, name);
	return line && sscanf(line + strlen(name), ": %d", &found) == 1 && found == value;
}

static const char *ask_workers(void)
{
	talk_open_greeted(&talk, server.lines_port);
	talk_ask(&talk, "/op a password for operators", "+op");
	talk_say(&talk, "/workers");
	return talk_expect_start(&talk, "=1 ");
}

static void expect_all_bound(const char *serialize)
{
	pid_t children[WATCH_CHILDREN_MAX];

	turnstiled_start(&server, "--workers", "2", "--serialize", serialize, "--op-password-file",
			 getenv("PASSWORD_FILE"));
	size_t count = watch_children(server.pid, children);
	cr_expect(status_is(server.pid, "NoNewPrivs", 1));
	for (size_t i = 0; i < count; i++) {
		cr_expect(eventually(status_is(children[i], "NoNewPrivs", 1)));
	}
	cr_expect_not_null(strstr(ask_workers(), " sandbox=no-new-privs,undumpable"), "%s",
			   talk.line);
	cr_expect_eq(turnstiled_stop(&server), 0);
}

Test(programs_sandbox, every_process_is_bound_and_workers_says_so)
{
	expect_all_bound("lock");
}

Test(programs_sandbox, with_a_joiner_too_every_process_is_bound)
{
	expect_all_bound("join");
}

/* Where these tests are run by root: the server becomes another, and its processes change root. */
static void expect_roots(const char *serialize, const char *url)
{
	pid_t children[WATCH_CHILDREN_MAX];

	cr_assert_eq(chown(server.folder.path, OTHER_USER, OTHER_USER), 0);
	turnstiled_start(&server, "--workers", "2", "--user", "nobody", "--serialize", serialize,
			 "--store", url, "--event", "gala=5", "--op-password-file",
			 getenv("PASSWORD_FILE"));
	cr_expect_not_null(strstr(ask_workers(), ",root"), "%s", talk.line);
	size_t count = watch_children(server.pid, children);

	for (size_t i = 0; i < count; i++) {
		cr_expect(eventually(status_is(children[i], "CapPrm", 0)));
	}
	talk_close(&talk);
	talk_open_greeted(&talk, server.lines_port);
	talk_ask(&talk, "/book gala 2 key=a-good-long-key-a", "+booked ");
	cr_expect_eq(turnstiled_stop(&server), 0);
}

Test(programs_sandbox, started_as_root_tickets_are_sold_from_a_root_that_is_the_stores_folder)
{
	char file[FOLDER_PATH_SIZE], url[FOLDER_PATH_SIZE + 8];

	if (geteuid() != 0) {
		return;
	}
	folder_file(&server.folder, "a.db", file);
	snprintf(url, sizeof(url), "sqlite:%s", file);
	expect_roots("lock", url);
	expect_roots("join", url);
	folder_file(&server.folder, "a.json", file);
	snprintf(url, sizeof(url), "json:%s", file);
	expect_roots("lock", url);
	expect_roots("join", url);
}

Test(programs_sandbox, switched_off_no_process_is_bound_and_workers_says_so)
{
	turnstiled_start(&server, "--workers", "1", "--sandbox", "off", "--op-password-file",
			 getenv("PASSWORD_FILE"));
	cr_expect(status_is(server.pid, "NoNewPrivs", 0) ||
		  status_is(getpid(), "NoNewPrivs", 1)); /* as in a container */
	cr_expect_not_null(strstr(ask_workers(), " sandbox=off"), "%s", talk.line);
	cr_expect_eq(turnstiled_stop(&server), 0);
}
