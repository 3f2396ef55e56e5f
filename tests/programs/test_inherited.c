/* Started by somebody who left closed descriptors, blocked signals, children, a strange umask. */
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/programs/watch.h"
#include "tests/support/capture.h"
#include "tests/support/server.h"

#define LINK_SIZE 256

static struct turnstiled server;

static void init(void)
{
	turnstiled_init(&server, TURNSTILED);
}

static void finish(void)
{
	turnstiled_finish(&server);
}

TestSuite(programs_inherited, .init = init, .fini = finish, .timeout = 60);

static void expect_ping(void)
{
	static struct talk talk;

	talk_open_greeted(&talk, server.lines_port);
	talk_ask(&talk, "/ping", "+pong");
	talk_close(&talk);
}

static void block_end_signals(void)
{
	sigset_t blocked;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigaddset(&blocked, SIGINT);
	sigaddset(&blocked, SIGQUIT);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
}

Test(programs_inherited, a_parent_that_blocked_term_does_not_keep_the_server_from_ending)
{
	server.before_exec = block_end_signals;
	turnstiled_start(&server, "--workers", "1");
	cr_expect_eq(turnstiled_stop(&server), 0);
}

static void ignore_children(void)
{
	(void)signal(SIGCHLD, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
}

Test(programs_inherited, a_parent_that_ignored_signals_does_not_hide_a_workers_end)
{
	pid_t children[WATCH_CHILDREN_MAX];

	server.before_exec = ignore_children;
	turnstiled_start(&server, "--workers", "1");
	cr_assert_eq(watch_children(server.pid, children), 1);
	cr_assert(watch_signal(server.pid, children[0], SIGKILL));
	cr_assert(eventually(watch_state(children[0]) == '\0'));
	wait_for_workers(server.lines_port, 1);
	cr_expect_eq(turnstiled_stop(&server), 0);
}

static void close_streams(void)
{
	close(STDIN_FILENO);
	close(STDERR_FILENO);
}

static void expect_null(pid_t pid, int descriptor)
{
	char path[LINK_SIZE], target[LINK_SIZE] = "";

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid, descriptor);
	if (readlink(path, target, sizeof(target) - 1) < 0 && errno == EACCES) {
		cr_skip_test("only root sees the descriptors of a process that is not dumpable");
	}
	cr_expect_str_eq(target, "/dev/null");
}

Test(programs_inherited, closed_descriptors_do_not_become_what_the_server_opens_next)
{
	pid_t children[WATCH_CHILDREN_MAX];

	server.before_exec = close_streams;
	turnstiled_start(&server, "--workers", "1");
	cr_assert_eq(watch_children(server.pid, children), 1);
	expect_null(server.pid, STDIN_FILENO);
	expect_null(server.pid, STDERR_FILENO);
	expect_null(children[0], STDIN_FILENO);
	expect_null(children[0], STDERR_FILENO);
	expect_ping();
	cr_expect_eq(turnstiled_stop(&server), 0);
}

/* The client's connection would be descriptor 0, and its own lines be read from it. */
static int send_with_closed_input(void *argument)
{
	close(STDIN_FILENO);
	close(STDERR_FILENO);
	execl(TURNSTILE, TURNSTILE, "--port", argument, "send", "/ping", NULL);
	return 127;
}

Test(programs_inherited, the_client_works_with_closed_descriptors)
{
	struct capture capture;
	char port[8];

	turnstiled_start(&server, "--workers", "1");
	snprintf(port, sizeof(port), "%u", (unsigned)server.lines_port);
	capture_start(&capture, -1, send_with_closed_input, port);
	capture_wait(&capture);
	cr_expect_eq(capture.status, 0);
	cr_expect_str_eq(capture.output, "+pong\n");
	capture_free(&capture);
}

static void leave_a_dead_child(void)
{
	if (fork() == 0) {
		_exit(0);
	}
}

Test(programs_inherited, an_orphan_that_the_server_inherits_is_reaped)
{
	server.before_exec = leave_a_dead_child;
	turnstiled_start(&server, "--workers", "2");
	cr_expect(eventually(watch_zombies(server.pid) == 0));
	expect_ping();
	cr_expect_eq(turnstiled_stop(&server), 0);
}

static void allow_everybody(void)
{
	umask(0);
}

static void forbid_everybody(void)
{
	umask(0777);
}

static mode_t store_mode(void)
{
	char path[FOLDER_PATH_SIZE];
	struct stat status;

	folder_file(&server.folder, "turnstile.db", path);
	cr_assert_eq(stat(path, &status), 0);
	return status.st_mode & 0777;
}

Test(programs_inherited, the_store_can_be_written_by_its_owner_alone_whatever_the_umask)
{
	server.before_exec = allow_everybody;
	turnstiled_start(&server, "--workers", "1");
	cr_expect_eq(store_mode() & 0222, 0200);
	cr_expect_eq(turnstiled_stop(&server), 0);
}

Test(programs_inherited, a_umask_that_forbids_everything_does_not_keep_the_server_from_its_store)
{
	server.before_exec = forbid_everybody;
	turnstiled_start(&server, "--workers", "1", "--event", "show=2");
	expect_ping();
	cr_expect_eq(store_mode() & 0600, 0600);
	cr_expect_eq(turnstiled_stop(&server), 0);
}

Test(programs_inherited, hup_usr1_and_usr2_do_not_end_the_server)
{
	turnstiled_start(&server, "--workers", "1");
	cr_assert_eq(kill(server.pid, SIGHUP), 0);
	cr_assert_eq(kill(server.pid, SIGUSR1), 0);
	cr_assert_eq(kill(server.pid, SIGUSR2), 0);
	expect_ping();
	cr_expect_eq(turnstiled_stop(&server), 0);
}
