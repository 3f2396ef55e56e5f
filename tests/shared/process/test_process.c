#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/memory.h"
#include "shared/process/process.h"
#include "tests/support/child.h"

static struct memory memory;
static _Atomic int *number; /* what a child has to say */

static void set_up(void)
{
	memory_init(&memory, "process-test", 4096);
	number = memory_take(&memory, sizeof(*number), sizeof(int));
}

static void tear_down(void)
{
	struct process *left;

	while (process_children(&left, 1) > 0) {
		process_destroy(left);
	}
	memory_finish(&memory);
}

TestSuite(process, .init = set_up, .fini = tear_down);

static const struct process_options plain = { .name = "plain" };

static struct process *start(int (*run)(void *argument), void *argument)
{
	struct process *process = process_start(&plain, run, argument);

	cr_assert_not_null(process);
	return process;
}

static int sleep_on(void *argument)
{
	(void)argument;
	for (;;) {
		pause();
	}
	return 0;
}

static int give(void *argument)
{
	return *(const int *)argument;
}

static int status_after_end(struct process *process)
{
	cr_assert(process_join(process, CHILD_PATIENCE_NS));
	int status = process_exit_status(process);
	process_destroy(process);
	return status;
}

Test(process, ends_with_what_the_function_returns)
{
	int values[] = { 0, 7, 255 };

	for (size_t i = 0; i < 3; i++) {
		cr_assert_eq(status_after_end(start(give, &values[i])), values[i]);
	}
}

Test(process, says_which_signal_ended_it)
{
	struct process *killed = start(sleep_on, NULL);
	struct process *terminated = start(sleep_on, NULL);

	process_kill(killed);
	process_terminate(terminated);
	cr_assert_eq(status_after_end(killed), -SIGKILL);
	cr_assert_eq(status_after_end(terminated), -SIGTERM);
}

Test(process, join_gives_up_after_its_time_out)
{
	struct process *process = start(sleep_on, NULL);
	int64_t begin = clock_monotonic_ns();

	cr_assert_not(process_join(process, 30 * NS_PER_MS));
	cr_assert_geq(clock_monotonic_ns() - begin, 30 * NS_PER_MS);
	cr_assert_not(process_join(process, 0));
	cr_assert(process_alive(process));
	process_kill(process);
	cr_assert(process_join(process, PROCESS_FOREVER));
	cr_assert_not(process_alive(process));
	cr_assert(process_join(process, 0), "asked again");
	process_destroy(process);
}

static int end_the_program(void *argument)
{
	(void)argument;
	exit(3);
}

static void say_seven(void)
{
	if (memory.start) {
		*number = 7;
	}
}

static int return_at_once(void *argument)
{
	(void)argument;
	return 0;
}

Test(process, runs_no_exit_handler_of_its_parent)
{
	cr_assert_eq(atexit(say_seven), 0);
	cr_assert_eq(status_after_end(start(return_at_once, NULL)), 0);
	cr_assert_eq(*number, 0);
	cr_assert_eq(status_after_end(start(end_the_program, NULL)), 3);
	cr_assert_eq(*number, 7, "the handler works");
}

Test(process, its_descriptor_is_readable_when_it_ends)
{
	struct process *process = start(sleep_on, NULL);
	struct pollfd end = { .fd = process_descriptor(process), .events = POLLIN };

	cr_assert_eq(poll(&end, 1, 0), 0);
	cr_assert(fcntl(end.fd, F_GETFD) & FD_CLOEXEC);
	process_kill(process);
	cr_assert_eq(poll(&end, 1, 10000), 1);
	process_destroy(process);
}

static bool exists(pid_t pid)
{
	return kill(pid, 0) == 0 || errno != ESRCH;
}

Test(process, no_zombie_is_left)
{
	struct process *joined = start(return_at_once, NULL);
	struct process *asked = start(return_at_once, NULL);
	struct process *running = start(sleep_on, NULL);
	pid_t pids[] = { process_pid(joined), process_pid(asked), process_pid(running) };

	cr_assert(process_join(joined, CHILD_PATIENCE_NS));
	cr_assert(eventually(!process_alive(asked)));
	cr_assert_not(exists(pids[0]));
	cr_assert_not(exists(pids[1]));
	process_destroy(joined);
	process_destroy(asked);
	process_destroy(running);
	cr_assert_not(exists(pids[2]));
	process_destroy(NULL);
}

Test(process, lists_the_children_that_run_oldest_first)
{
	struct process *list[4];
	struct process *first = start(sleep_on, NULL);
	struct process *second = start(sleep_on, NULL);
	struct process *third = start(sleep_on, NULL);

	cr_assert_eq(process_children(NULL, 0), 3);
	cr_assert_eq(process_children(list, 2), 3, "more than there is room for");
	cr_assert(list[0] == first && list[1] == second);
	process_kill(second);
	cr_assert(eventually(process_children(list, 4) == 2));
	cr_assert(list[0] == first && list[1] == third);
	process_destroy(first);
	process_destroy(second);
	process_destroy(third);
	cr_assert_eq(process_children(NULL, 0), 0);
}

Test(process, carries_its_name)
{
	const struct process_options options = { .name = "a-name-longer-than-15-bytes" };
	struct process *process = process_start(&options, sleep_on, NULL);
	char path[64];
	char name[32] = "";

	cr_assert_str_eq(process_name(process), "a-name-longer-than-15-bytes");
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)process_pid(process));
	for (int tries = 0; tries < 1000 && strcmp(name, "a-name-longer-t\n") != 0; tries++) {
		FILE *file = fopen(path, "re");
		cr_assert_not_null(file);
		cr_assert_not_null(fgets(name, sizeof(name), file));
		fclose(file);
		clock_sleep(NS_PER_MS);
	}
	cr_assert_str_eq(name, "a-name-longer-t\n");
	process_destroy(process);
}

#define BASE 40 /* beyond what the test's own machinery has open */

/* A bit for each descriptor from BASE on that is open, and the highest for any other above 2. */
static int list_open(void *argument)
{
	(void)argument;
	for (int i = 3; i < 1000; i++) {
		if (fcntl(i, F_GETFD) >= 0) {
			*number |= 1 << (i >= BASE && i < BASE + 30 ? i - BASE : 30);
		}
	}
	return 0;
}

Test(process, closes_all_but_what_it_keeps)
{
	int keep[] = { BASE + 7, BASE + 2 };
	struct process_options options = { .name = "keeper", .keep = keep };

	for (int i = BASE; i < BASE + 10; i++) {
		cr_assert_eq(dup2(STDIN_FILENO, i), i);
	}
	cr_assert_eq(dup2(STDIN_FILENO, 500), 500);
	cr_assert_eq(status_after_end(process_start(&options, list_open, NULL)), 0);
	cr_assert_eq(*number, 0, "an empty list keeps none");
	options.keep_count = 2;
	cr_assert_eq(status_after_end(process_start(&options, list_open, NULL)), 0);
	cr_assert_eq(*number, 1 << 7 | 1 << 2);
	*number = 0;
	cr_assert_eq(status_after_end(start(list_open, NULL)), 0);
	cr_assert_eq(*number, 1 << 30 | 0x3ff, "without a list all stay open");
}

static void on_signal(int signal_number)
{
	(void)signal_number;
	*number = -1;
}

static int look_at_signals(void *argument)
{
	struct sigaction action;
	sigset_t blocked;

	(void)argument;
	for (int i = 1; i <= SIGRTMAX; i++) {
		if (sigaction(i, NULL, &action) == 0) {
			child_check(action.sa_handler == (i == SIGXFSZ ? SIG_IGN : SIG_DFL));
		}
	}
	pthread_sigmask(SIG_SETMASK, NULL, &blocked);
	child_check(sigisemptyset(&blocked));
	raise(SIGUSR1);
	return 0;
}

Test(process, starts_with_the_signals_as_they_were_made)
{
	struct sigaction action = { .sa_handler = on_signal };
	sigset_t some;
	sigset_t after;

	sigaction(SIGUSR1, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&some);
	sigaddset(&some, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &some, NULL);
	cr_assert_eq(status_after_end(start(look_at_signals, NULL)), -SIGUSR1);
	cr_assert_eq(*number, 0);
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	cr_assert(sigismember(&after, SIGTERM), "the parent's mask is as it was");
	cr_assert_not(sigismember(&after, SIGINT));
}

Test(process, its_status_is_known_although_sigchld_was_ignored)
{
	int seven = 7;

	signal(SIGCHLD, SIG_IGN);
	cr_assert_eq(status_after_end(start(give, &seven)), 7);
}

static int start_another(void *argument)
{
	int nine = 9;

	(void)argument;
	child_check(process_children(NULL, 0) == 0);
	struct process *grandchild = process_start(&plain, give, &nine);
	child_check(grandchild != NULL);
	child_check(process_join(grandchild, CHILD_PATIENCE_NS));
	int status = process_exit_status(grandchild);
	process_destroy(grandchild);
	return status;
}

Test(process, a_child_may_start_children_of_its_own)
{
	struct process *sibling = start(sleep_on, NULL);

	cr_assert_eq(status_after_end(start(start_another, NULL)), 9);
	cr_assert(process_alive(sibling), "a child forgets its parent's children");
	process_destroy(sibling);
}

static struct process *inherited;

static int destroy_inherited(void *argument)
{
	(void)argument;
	process_destroy(inherited);
	return 0;
}

Test(process, a_child_cannot_end_its_siblings_through_the_parents_object)
{
	inherited = start(sleep_on, NULL);
	cr_assert_eq(status_after_end(start(destroy_inherited, NULL)), 0);
	cr_assert(process_alive(inherited));
	process_destroy(inherited);
}

static bool daemon_wanted;

static int say_pid(void *argument)
{
	*number = getpid();
	return sleep_on(argument);
}

static int be_parent(void *argument)
{
	const struct process_options options = { .name = "daemon", .daemon = daemon_wanted };

	child_check(process_start(&options, say_pid, NULL) != NULL);
	return sleep_on(argument);
}

/* Has a parent start a child, kills the parent, and takes the orphan in; its pid. */
static pid_t orphan(bool daemon)
{
	*number = 0;
	daemon_wanted = daemon;
	cr_assert_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	struct child parent = child_start(be_parent, NULL);
	cr_assert(eventually(*number != 0));
	cr_assert_eq(child_kill(&parent), -SIGKILL);
	return *number;
}

Test(process, a_daemon_ends_with_its_killed_parent)
{
	struct child child = { .pid = orphan(true) };

	cr_assert_eq(child_join(&child), -SIGKILL);
}

Test(process, another_than_a_daemon_lives_on)
{
	struct child child = { .pid = orphan(false) };

	cr_assert_eq(waitpid(child.pid, NULL, WNOHANG), 0);
	cr_assert_eq(child_kill(&child), -SIGKILL);
}

static int outlive_parent(void *argument)
{
	process_end_with_parent(*(const pid_t *)argument);
	return 0;
}

Test(process, one_whose_parent_is_gone_already_ends_at_once)
{
	pid_t other = 1;
	pid_t parent = getpid();

	cr_assert_eq(child_run(outlive_parent, &other), EXIT_FAILURE);
	cr_assert_eq(child_run(outlive_parent, &parent), 0);
}

static int run_program(const struct process_options *options, const char *program, const char *word)
{
	char *const argv[] = { strdup(program), strdup("-c"), strdup(word), NULL };
	struct process *process = process_run(options, argv);

	cr_assert_not_null(process);
	int status = status_after_end(process);
	for (int i = 0; i < 3; i++) {
		free(argv[i]);
	}
	return status;
}

Test(process, runs_a_program_found_in_the_path)
{
	cr_assert_eq(run_program(&plain, "sh", "exit 3"), 3);
	cr_assert_eq(run_program(&plain, "sh", "kill -9 $$"), -SIGKILL);
}

static int run_nothing(void *argument)
{
	(void)argument;
	return run_program(&plain, "/nowhere/no-such-program", "");
}

Test(process, a_program_that_cannot_be_run_ends_with_127)
{
	char text[512];

	cr_assert_eq(child_run_caught(run_nothing, NULL, STDERR_FILENO, text, sizeof(text)), 127);
	cr_assert_not_null(strstr(text, "/nowhere/no-such-program"));
}

Test(process, a_program_gets_the_descriptors_that_are_kept)
{
	int pair[2];
	int kept = BASE;
	char text[8] = "";
	const struct process_options options = { .name = "echo", .keep = &kept, .keep_count = 1 };

	cr_assert_eq(pipe2(pair, O_CLOEXEC), 0);
	cr_assert_eq(dup3(pair[1], kept, O_CLOEXEC), kept);
	close(pair[1]);
	cr_assert_eq(run_program(&options, "sh", "echo hi >/proc/self/fd/40"), 0);
	close(kept);
	cr_assert_eq(read(pair[0], text, sizeof(text)), 3);
	cr_assert_str_eq(text, "hi\n");
	close(pair[0]);
}

static int ask_the_living(void *argument)
{
	const struct process_options options = { .name = "daemon", .daemon = true };

	(void)argument;
	return process_exit_status(process_start(&options, sleep_on, NULL));
}

Test(process, asking_the_living_for_their_exit_status_is_a_bug)
{
	char text[512];

	cr_assert_eq(child_run_caught(ask_the_living, NULL, STDERR_FILENO, text, sizeof(text)),
		     -SIGABRT);
}

Test(process, one_that_cannot_be_watched_is_not_started)
{
	struct rlimit before;
	struct rlimit none;
	int next = dup(STDIN_FILENO);

	close(next);
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = (rlim_t)next;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	struct process *process = process_start(&plain, sleep_on, NULL);
	int error = errno;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	cr_assert_null(process);
	cr_assert_eq(error, EMFILE);
	cr_assert_eq(process_children(NULL, 0), 0);
	cr_assert_eq(waitpid(-1, NULL, WNOHANG), -1, "no child is left");
	cr_assert_eq(errno, ECHILD);
}
