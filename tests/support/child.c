#include "tests/support/child.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#define STEPS_MAX 200000

/* Forks; in the child 0. */
static pid_t fork_bound(void)
{
	pid_t parent = getpid();
	pid_t pid = fork();

	cr_assert_geq(pid, 0, "fork: errno %d", errno);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(CHILD_FAILED);
	}
	return pid;
}

struct child child_start(int (*run)(void *argument), void *argument)
{
	struct child child = { .pid = fork_bound() };

	if (child.pid == 0)
		_exit(run(argument));
	return child;
}

static void note_status(struct child *child, int status)
{
	child->ended = true;
	child->status = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static bool ends_in_time(pid_t pid)
{
	int descriptor = pidfd_open(pid, 0);
	struct pollfd end = { .fd = descriptor, .events = POLLIN };

	cr_assert_geq(descriptor, 0, "pidfd_open: errno %d", errno);
	int ready = poll(&end, 1, (int)(CHILD_PATIENCE_NS / NS_PER_MS));
	close(descriptor);
	return ready == 1;
}

/* A killed child that is traced may say once more that it stopped. */
static void reap(struct child *child)
{
	int status;

	do {
		cr_assert_eq(waitpid(child->pid, &status, 0), child->pid);
	} while (WIFSTOPPED(status));
	note_status(child, status);
}

int child_join(struct child *child)
{
	if (child->ended)
		return child->status;
	bool in_time = ends_in_time(child->pid);
	if (!in_time)
		kill(child->pid, SIGKILL);
	reap(child);
	if (!in_time)
		child->status = CHILD_STUCK;
	return child->status;
}

int child_kill(struct child *child)
{
	if (!child->ended)
		kill(child->pid, SIGKILL);
	return child_join(child);
}

int child_run(int (*run)(void *argument), void *argument)
{
	struct child child = child_start(run, argument);

	return child_join(&child);
}

struct caught {
	int (*run)(void *argument);
	void *argument;
	int from;
	int to;
};

static int run_caught(void *argument)
{
	const struct caught *caught = argument;

	child_check(dup2(caught->to, caught->from) == caught->from);
	return caught->run(caught->argument);
}

int child_run_caught(int (*run)(void *argument), void *argument, int from, char *text, size_t size)
{
	struct caught caught = { run, argument, from, memfd_create("caught", MFD_CLOEXEC) };

	cr_assert_geq(caught.to, 0);
	int status = child_run(run_caught, &caught);
	ssize_t length = pread(caught.to, text, size - 1, 0);
	cr_assert_geq(length, 0);
	text[length] = '\0';
	close(caught.to);
	return status;
}

struct child child_start_stopped(int (*run)(void *argument), void *argument)
{
	struct child child = { .pid = fork_bound() };
	int status;

	if (child.pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
			_exit(CHILD_FAILED);
		raise(SIGSTOP);
		_exit(run(argument));
	}
	cr_assert_eq(waitpid(child.pid, &status, 0), child.pid);
	if (WIFSTOPPED(status))
		ptrace(PTRACE_SETOPTIONS, child.pid, NULL, PTRACE_O_EXITKILL);
	else
		note_status(&child, status);
	return child;
}

bool child_step(struct child *child, long steps)
{
	int status;

	for (long step = 0; step < steps && !child->ended; step++) {
		if (ptrace(PTRACE_SINGLESTEP, child->pid, NULL, NULL) != 0)
			return false;
		cr_assert_eq(waitpid(child->pid, &status, 0), child->pid);
		if (!WIFSTOPPED(status))
			note_status(child, status);
	}
	return !child->ended;
}

void child_go_on(struct child *child)
{
	if (!child->ended)
		cr_assert_eq(ptrace(PTRACE_DETACH, child->pid, NULL, NULL), 0);
}

long child_count_steps(int (*run)(void *argument), void *argument)
{
	struct child child = child_start_stopped(run, argument);
	long steps = 0;

	if (child.ended)
		return CHILD_UNTRACEABLE;
	while (steps < STEPS_MAX && child_step(&child, 1))
		steps++;
	if (child.ended)
		return steps;
	child_kill(&child);
	return CHILD_UNTRACEABLE;
}

void child_check_failed(const char *file, int line, const char *condition)
{
	dprintf(STDERR_FILENO, "%s:%d: does not hold: %s\n", file, line, condition);
	_exit(CHILD_FAILED);
}
