#include <criterion/criterion.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "shared/base/memory.h"
#include "shared/sync/semaphore.h"
#include "tests/support/child.h"
#include "tests/support/kills.h"

#define UNITS  3
#define PEOPLE 10

struct shared {
	struct semaphore semaphore;
	_Atomic uint32_t inside;
	_Atomic uint32_t most;
	_Atomic uint32_t served;
	_Atomic bool leave;
};

static struct memory memory;
static struct shared *shared;
static struct semaphore *semaphore;

static void set_up(void)
{
	memory_init(&memory, "turnstile-test", sizeof(struct shared));
	shared = memory.start;
	semaphore = &shared->semaphore;
	semaphore_init(semaphore, SEMAPHORE_BOUNDED, UNITS);
	identity_own();
}

static void tear_down(void)
{
	memory_finish(&memory);
}

TestSuite(semaphore, .init = set_up, .fini = tear_down);

static void note_most(uint32_t inside)
{
	uint32_t most = shared->most;

	while (inside > most && !atomic_compare_exchange_weak(&shared->most, &most, inside)) {
		continue;
	}
}

static int come_and_go(void *argument)
{
	(void)argument;
	for (int i = 0; i < 20; i++) {
		child_check(semaphore_acquire(semaphore, FUTEX_FOREVER));
		note_most(++shared->inside);
		clock_sleep(200 * NS_PER_US);
		shared->inside--;
		child_check(semaphore_release(semaphore));
		shared->served++;
	}
	return 0;
}

Test(semaphore, lets_so_many_in_at_a_time_and_everybody_once)
{
	struct child people[PEOPLE];

	for (size_t i = 0; i < PEOPLE; i++) {
		people[i] = child_start(come_and_go, NULL);
	}
	for (size_t i = 0; i < PEOPLE; i++) {
		cr_assert_eq(child_join(&people[i]), 0);
	}
	cr_assert_eq(shared->most, UNITS);
	cr_assert_eq(shared->served, PEOPLE * 20);
	cr_assert_eq(semaphore_value(semaphore), UNITS);
}

static void take_all(void)
{
	for (int i = 0; i < UNITS; i++) {
		cr_assert(semaphore_acquire(semaphore, 0));
	}
	cr_assert_not(semaphore_acquire(semaphore, 0));
}

Test(semaphore, does_not_wait_longer_than_it_is_told)
{
	take_all();
	int64_t before = clock_monotonic_ns();
	cr_assert_not(semaphore_acquire(semaphore, 2 * FUTEX_NAP_NS));
	cr_assert_geq(clock_monotonic_ns() - before, 2 * FUTEX_NAP_NS);
	cr_assert(semaphore_release(semaphore));
	cr_assert(semaphore_acquire(semaphore, NS_PER_MS));
}

Test(semaphore, bounded_refuses_one_release_too_many)
{
	cr_assert_not(semaphore_release(semaphore));
	cr_assert(semaphore_acquire(semaphore, 0));
	cr_assert(semaphore_release(semaphore));
	cr_assert_not(semaphore_release(semaphore));
	take_all();
}

Test(semaphore, plain_grows_by_one_release_too_many)
{
	semaphore_init(semaphore, SEMAPHORE_PLAIN, 0);
	cr_assert_not(semaphore_acquire(semaphore, 0));
	for (int i = 0; i < UNITS; i++) {
		cr_assert(semaphore_release(semaphore));
	}
	take_all();
}

static int release(void *argument)
{
	(void)argument;
	child_check(semaphore_release(semaphore));
	return 0;
}

static int acquire(void *argument)
{
	(void)argument;
	child_check(semaphore_acquire(semaphore, CHILD_PATIENCE_NS));
	return 0;
}

Test(semaphore, a_unit_may_be_given_back_by_another_process)
{
	take_all();
	struct child waiter = child_start(acquire, NULL);
	cr_assert_eq(child_run(release, NULL), 0);
	cr_assert_eq(child_join(&waiter), 0);
	cr_assert(semaphore_release(semaphore));
}

static int take_and_die(void *argument)
{
	(void)argument;
	for (int i = 0; i < UNITS; i++) {
		child_check(semaphore_acquire(semaphore, 0));
	}
	raise(SIGKILL);
	return 0;
}

Test(semaphore, all_units_of_a_killed_holder_come_back)
{
	struct child waiters[UNITS];

	cr_assert_eq(child_run(take_and_die, NULL), -SIGKILL);
	cr_assert_eq(semaphore_value(semaphore), 0);
	for (int i = 0; i < UNITS; i++) {
		waiters[i] = child_start(acquire, NULL);
	}
	for (int i = 0; i < UNITS; i++) {
		cr_assert_eq(child_join(&waiters[i]), 0);
	}
}

/* However it died, there are as many units as ever, no more and no less. */
static void expect_all_units(void *argument)
{
	(void)argument;
	for (int i = 0; i < UNITS; i++) {
		semaphore->holders.searched_ns = 0; /* the test need not wait for the next search */
		cr_assert(semaphore_acquire(semaphore, CHILD_PATIENCE_NS));
	}
	cr_assert_not(semaphore_acquire(semaphore, 0));
	for (int i = 0; i < UNITS; i++) {
		cr_assert(semaphore_release(semaphore));
	}
	cr_assert_not(semaphore_release(semaphore));
}

static int take_and_give(void *argument)
{
	(void)argument;
	child_check(semaphore_acquire(semaphore, 0));
	child_check(semaphore_release(semaphore));
	return 0;
}

Test(semaphore, killed_at_any_step_a_process_takes_no_unit_with_it)
{
	kill_at_steps(take_and_give, NULL, expect_all_units);
}

static int take_and_give_for_ever(void *argument)
{
	for (;;) {
		take_and_give(argument);
		child_check(semaphore_acquire(semaphore, 0));
		take_and_give(argument);
		child_check(semaphore_release(semaphore));
	}
	return 0;
}

Test(semaphore, killed_at_any_time_a_process_takes_no_unit_with_it)
{
	kill_at_random(300, take_and_give_for_ever, NULL, expect_all_units);
}

static int come_and_go_for_ever(void *argument)
{
	for (;;) {
		come_and_go(argument);
	}
	return 0;
}

Test(semaphore, killed_at_random_they_neither_jam_nor_let_too_many_in)
{
	struct child people[PEOPLE];

	for (size_t i = 0; i < PEOPLE; i++) {
		people[i] = child_start(come_and_go_for_ever, NULL);
	}
	for (int round = 0; round < 60; round++) {
		size_t victim = (size_t)rand() % PEOPLE;
		clock_sleep(rand() % 2000 * NS_PER_US);
		child_kill(&people[victim]);
		people[victim] = child_start(come_and_go_for_ever, NULL);
	}
	uint32_t before = shared->served;
	cr_assert(eventually(shared->served > before + PEOPLE));
	for (size_t i = 0; i < PEOPLE; i++) {
		child_kill(&people[i]);
	}
	expect_all_units(NULL);
}
