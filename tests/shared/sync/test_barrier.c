#include <criterion/criterion.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "shared/base/memory.h"
#include "shared/sync/barrier.h"
#include "tests/support/child.h"
#include "tests/support/kills.h"

#define PARTIES 4
#define ROUNDS  100
#define BROKEN  7 /* exit status: the barrier broke */
#define PASSED  3 /* of barrier.c */

struct shared {
	struct barrier barrier;
	_Atomic uint32_t arrived[ROUNDS];
	_Atomic uint32_t indexes[ROUNDS]; /* a bit for each that was given out */
	_Atomic uint32_t registered;
	_Atomic uint32_t passed;
};

static struct memory memory;
static struct shared *shared;
static struct barrier *barrier;

static void set_up(void)
{
	memory_init(&memory, "turnstile-test", sizeof(struct shared));
	shared = memory.start;
	barrier = &shared->barrier;
	barrier_init(barrier, PARTIES);
	identity_own();
}

static void tear_down(void)
{
	memory_finish(&memory);
}

TestSuite(barrier, .init = set_up, .fini = tear_down);

static int pass_rounds(void *argument)
{
	(void)argument;
	for (int round = 0; round < ROUNDS; round++) {
		shared->arrived[round]++;
		int index = barrier_wait(barrier, CHILD_PATIENCE_NS);
		child_check(index >= 0);
		child_check(shared->arrived[round] == PARTIES);
		shared->indexes[round] |= UINT32_C(1) << index;
	}
	return 0;
}

Test(barrier, nobody_passes_before_all_have_arrived_in_any_round)
{
	struct child parties[PARTIES];

	for (size_t i = 0; i < PARTIES; i++) {
		parties[i] = child_start(pass_rounds, NULL);
	}
	for (size_t i = 0; i < PARTIES; i++) {
		cr_assert_eq(child_join(&parties[i]), 0);
	}
	for (int round = 0; round < ROUNDS; round++) {
		cr_assert_eq(shared->indexes[round], (1U << PARTIES) - 1);
	}
}

static int wait_once(void *argument)
{
	(void)argument;
	return barrier_wait(barrier, FUTEX_FOREVER) == BARRIER_BROKEN ? BROKEN : 0;
}

static void start_parties(struct child *parties, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		parties[i] = child_start(wait_once, NULL);
	}
	cr_assert(eventually(barrier_waiting(barrier) == count));
}

static void expect_all(struct child *parties, uint32_t count, int status)
{
	for (uint32_t i = 0; i < count; i++) {
		cr_assert_eq(child_join(&parties[i]), status);
	}
}

Test(barrier, breaks_for_all_when_one_has_waited_long_enough)
{
	struct child parties[PARTIES];

	start_parties(parties, PARTIES - 2);
	cr_assert_eq(barrier_wait(barrier, 2 * FUTEX_NAP_NS), BARRIER_BROKEN);
	expect_all(parties, PARTIES - 2, BROKEN);
	cr_assert(barrier_is_broken(barrier));
	cr_assert_eq(barrier_wait(barrier, FUTEX_FOREVER), BARRIER_BROKEN);
}

Test(barrier, abort_breaks_it_and_reset_makes_it_whole)
{
	struct child parties[PARTIES];

	start_parties(parties, PARTIES - 1);
	barrier_abort(barrier);
	expect_all(parties, PARTIES - 1, BROKEN);
	barrier_reset(barrier);
	cr_assert_not(barrier_is_broken(barrier));
	start_parties(parties, PARTIES - 1);
	cr_assert_eq(barrier_wait(barrier, FUTEX_FOREVER), PARTIES - 1);
	expect_all(parties, PARTIES - 1, 0);
}

Test(barrier, reset_tells_those_who_wait_that_it_broke)
{
	struct child parties[PARTIES];

	start_parties(parties, PARTIES - 1);
	barrier_reset(barrier);
	expect_all(parties, PARTIES - 1, BROKEN);
	cr_assert_not(barrier_is_broken(barrier));
}

Test(barrier, breaks_when_one_who_waits_is_killed)
{
	struct child parties[PARTIES];

	start_parties(parties, PARTIES - 1);
	child_kill(&parties[1]);
	cr_assert_eq(child_join(&parties[0]), BROKEN);
	cr_assert_eq(child_join(&parties[2]), BROKEN);
}

static int register_and_never_come(void *argument)
{
	(void)argument;
	child_check(barrier_register(barrier));
	shared->registered++;
	pause();
	return 0;
}

Test(barrier, breaks_when_one_who_registered_is_killed_before_it_arrives)
{
	struct child parties[PARTIES];
	struct child late = child_start(register_and_never_come, NULL);

	cr_assert(eventually(shared->registered == 1));
	start_parties(parties, PARTIES - 1);
	clock_sleep(3 * FUTEX_NAP_NS);
	cr_assert_not(barrier_is_broken(barrier), "it may still come");
	child_kill(&late);
	expect_all(parties, PARTIES - 1, BROKEN);
	barrier_reset(barrier);
	start_parties(parties, PARTIES - 1);
	cr_assert_eq(barrier_wait(barrier, CHILD_PATIENCE_NS), PARTIES - 1);
	expect_all(parties, PARTIES - 1, 0);
}

static int pass_once_and_go(void *argument)
{
	(void)argument;
	child_check(barrier_register(barrier));
	child_check(barrier_wait(barrier, CHILD_PATIENCE_NS) >= 0);
	barrier_leave(barrier);
	return 0;
}

Test(barrier, one_who_left_is_not_missed)
{
	struct child parties[PARTIES];

	for (uint32_t i = 0; i < PARTIES; i++) {
		parties[i] = child_start(pass_once_and_go, NULL);
	}
	expect_all(parties, PARTIES, 0);
	start_parties(parties, PARTIES - 1);
	clock_sleep(2 * FUTEX_NAP_NS);
	cr_assert_eq(barrier_wait(barrier, CHILD_PATIENCE_NS), PARTIES - 1);
	expect_all(parties, PARTIES - 1, 0);
}

static int arrive_last(void *argument)
{
	(void)argument;
	return barrier_wait(barrier, 0) >= 0 ? 0 : BROKEN;
}

/* The others all pass or are all told that it broke, and none of them waits on. */
static void expect_one_end(void *argument)
{
	struct child *parties = argument;
	int end = child_join(&parties[0]);

	cr_assert(end == 0 || end == BROKEN);
	expect_all(parties, PARTIES - 1, end);
	barrier_reset(barrier);
	start_parties(parties, PARTIES - 1);
}

/* Killed before it arrived at all, the last is not missed: so the test comes in its place. */
static void come_in_its_place(void *argument)
{
	barrier_leave(barrier); /* does nothing here, but the mutex's next holder repairs */
	if (barrier_waiting(barrier) == PARTIES - 1) {
		cr_assert_eq(barrier_wait(barrier, CHILD_PATIENCE_NS), PARTIES - 1);
	}
	expect_one_end(argument);
}

Test(barrier, when_the_last_is_killed_at_any_step_the_others_end_alike)
{
	struct child parties[PARTIES];

	start_parties(parties, PARTIES - 1);
	kill_at_steps(arrive_last, parties, come_in_its_place);
	barrier_abort(barrier);
	expect_all(parties, PARTIES - 1, BROKEN);
}

static int begin_to_tell_and_die(void *argument)
{
	(void)argument;
	child_check(mutex_lock(&barrier->mutex, NULL) == MUTEX_TAKEN);
	barrier->telling = PASSED;
	barrier->list[0].state = PASSED;
	raise(SIGKILL);
	return 0;
}

Test(barrier, when_the_last_is_killed_while_it_lets_them_pass_all_pass)
{
	struct child parties[PARTIES];

	start_parties(parties, PARTIES - 1);
	cr_assert_eq(child_run(begin_to_tell_and_die, NULL), -SIGKILL);
	expect_all(parties, PARTIES - 1, 0);
	cr_assert_not(barrier_is_broken(barrier));
}
