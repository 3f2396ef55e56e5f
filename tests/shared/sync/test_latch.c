#include <criterion/criterion.h>
#include <signal.h>
#include <stdatomic.h>

#include "shared/base/memory.h"
#include "shared/sync/latch.h"
#include "tests/support/child.h"

#define WAITERS 5

struct shared {
	struct latch latch;
	_Atomic uint32_t waiting;
	_Atomic uint32_t passed;
};

static struct memory memory;
static struct shared *shared;

static void set_up(void)
{
	memory_init(&memory, "turnstile-test", sizeof(struct shared));
	shared = memory.start;
	latch_init(&shared->latch);
}

static void tear_down(void)
{
	memory_finish(&memory);
}

TestSuite(latch, .init = set_up, .fini = tear_down);

static int wait_for_it(void *argument)
{
	(void)argument;
	shared->waiting++;
	child_check(latch_wait(&shared->latch, FUTEX_FOREVER));
	shared->passed++;
	return 0;
}

static void start_waiters(struct child *waiters)
{
	for (size_t i = 0; i < WAITERS; i++) {
		waiters[i] = child_start(wait_for_it, NULL);
	}
	cr_assert(eventually(shared->waiting == WAITERS));
	clock_sleep(10 * NS_PER_MS); /* most of them sleep now; it must hold for the others too */
	cr_assert_eq(shared->passed, 0);
}

static void expect_all_pass(struct child *waiters)
{
	for (size_t i = 0; i < WAITERS; i++) {
		cr_assert_eq(child_join(&waiters[i]), 0);
	}
	cr_assert_eq(shared->passed, WAITERS);
}

Test(latch, set_lets_all_pass_who_wait)
{
	struct child waiters[WAITERS];

	start_waiters(waiters);
	latch_set(&shared->latch);
	expect_all_pass(waiters);
	cr_assert(latch_is_set(&shared->latch));
	cr_assert(latch_wait(&shared->latch, 0), "and all who come later");
}

Test(latch, set_and_cleared_at_once_lets_those_pass_who_waited)
{
	struct child waiters[WAITERS];

	start_waiters(waiters);
	for (size_t i = 0; i < WAITERS; i++) {
		kill(waiters[i].pid, SIGSTOP); /* none is so fast as to see it set */
	}
	latch_set(&shared->latch);
	latch_clear(&shared->latch);
	for (size_t i = 0; i < WAITERS; i++) {
		kill(waiters[i].pid, SIGCONT);
	}
	expect_all_pass(waiters);
	cr_assert_not(latch_wait(&shared->latch, 0));
}

Test(latch, a_setter_killed_before_the_wake_up_leaves_nobody_asleep)
{
	struct child waiters[WAITERS];

	start_waiters(waiters);
	shared->latch.word |= 1;
	expect_all_pass(waiters);
}

Test(latch, a_wait_ends_in_time)
{
	int64_t before = clock_monotonic_ns();

	cr_assert_not(latch_wait(&shared->latch, 2 * FUTEX_NAP_NS));
	cr_assert_geq(clock_monotonic_ns() - before, 2 * FUTEX_NAP_NS);
	cr_assert_not(latch_wait(&shared->latch, 0));
	latch_set(&shared->latch);
	latch_clear(&shared->latch);
	cr_assert_not(latch_is_set(&shared->latch));
	cr_assert_not(latch_wait(&shared->latch, NS_PER_MS));
}
