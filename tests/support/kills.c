#include "tests/support/kills.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
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

	if (steps == CHILD_UNTRACEABLE)
		cr_skip_test("nobody may trace here");
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
