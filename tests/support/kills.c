#include "tests/support/kills.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/child.h"

#define TIME_NS   (NS_PER_SECOND)
#define KILLS_MIN 4

static void kill_at(long step, int (*run)(void *argument), void *argument)
{
	struct child child = child_kill_at(run, argument, step);

	child_join(&child);
}

void kill_at_steps(int (*run)(void *argument), void *argument, void (*check)(void *argument))
{
	long steps = child_count_steps(run, argument);
	int64_t end_ns = clock_deadline(TIME_NS);

	if (steps == CHILD_UNTRACEABLE) {
		cr_skip_test("nobody may trace here");
	}
	check(argument);
	srandom((unsigned)getpid());
	for (long i = 0; i < steps && (i < KILLS_MIN || clock_monotonic_ns() < end_ns); i++) {
		kill_at(steps <= CHILD_KILLS ? i : random() % steps, run, argument);
		check(argument);
	}
}

static int run_and_kill(int (*run)(void *argument), void *argument)
{
	struct child child = child_start(run, argument);

	clock_sleep(random() % 1000 * NS_PER_US);
	return child_kill(&child);
}

void kill_at_random(int count, int (*run)(void *argument), void *argument,
		    void (*check)(void *argument))
{
	check(argument);
	srandom((unsigned)getpid());
	for (int i = 0; i < count; i++) {
		int status = run_and_kill(run, argument);
		cr_assert_eq(status, -SIGKILL, "it was to run until it is killed: %d", status);
		check(argument);
	}
}

struct watched {
	int (*run)(void *argument);
	void *argument;
};

static int run_traced(void *argument)
{
	const struct watched *watched = argument;

	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) {
		return CHILD_FAILED;
	}
	raise(SIGSTOP);
	return watched->run(watched->argument);
}

/* Lets the traced child take one step; false when it took its last: then STATUS is how it ended. */
static bool take_step(pid_t pid, int *status)
{
	cr_assert_eq(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL), 0);
	cr_assert_eq(waitpid(pid, status, 0), pid);
	return WIFSTOPPED(*status);
}

void watch_each_step(int (*run)(void *argument), void *argument, void (*check)(void *argument))
{
	struct watched watched = { run, argument };
	struct child child = child_start(run_traced, &watched);
	int status;

	cr_assert_eq(waitpid(child.pid, &status, 0), child.pid);
	if (!WIFSTOPPED(status)) {
		cr_skip_test("nobody may trace here");
	}
	ptrace(PTRACE_SETOPTIONS, child.pid, NULL, PTRACE_O_EXITKILL);
	while (take_step(child.pid, &status)) {
		check(argument);
	}
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "it ended with %d", status);
	check(argument);
}
