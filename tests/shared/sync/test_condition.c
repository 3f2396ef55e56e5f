#include <criterion/criterion.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/memory.h"
#include "shared/sync/condition.h"
#include "tests/support/child.h"

#define WAITERS 8

struct shared {
	struct mutex mutex;
	struct condition condition;
	_Atomic uint32_t number;         /* for the next waiter */
	_Atomic uint32_t woken;          /* how many waits are over */
	_Atomic uint32_t order[WAITERS]; /* the waiters' numbers, as they woke */
	_Atomic bool ready;
	_Atomic bool locked;
};

static struct memory memory;
static struct shared *shared;

static void init(enum mutex_kind kind)
{
	mutex_init(&shared->mutex, kind);
	condition_init(&shared->condition, &shared->mutex, NULL);
}

static void set_up(void)
{
	memory_init(&memory, "turnstile-test", sizeof(struct shared));
	shared = memory.start;
	init(MUTEX_PLAIN);
}

static void tear_down(void)
{
	memory_finish(&memory);
}

TestSuite(condition, .init = set_up, .fini = tear_down);

static void lock(void)
{
	mutex_lock(&shared->mutex, NULL);
}

static void unlock(void)
{
	mutex_unlock(&shared->mutex);
}

static size_t waiting(void)
{
	size_t count = 0;

	for (size_t i = 0; i < CONDITION_WAITERS_MAX; i++) {
		count += shared->condition.waiters[i].state == 1;
	}
	return count;
}

static int wait_once(void *argument)
{
	(void)argument;
	lock();
	uint32_t number = shared->number++;
	child_check(condition_wait(&shared->condition, FUTEX_FOREVER));
	shared->order[shared->woken++] = number;
	unlock();
	return 0;
}

/* One after the other, so that their numbers are the order in which they wait. */
static void start_waiters(struct child *waiters, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		waiters[i] = child_start(wait_once, NULL);
		cr_assert(eventually(waiting() == i + 1));
	}
}

static size_t notify(size_t count)
{
	lock();
	size_t called = condition_notify(&shared->condition, count);
	unlock();
	return called;
}

Test(condition, notify_wakes_as_many_as_it_says_the_longest_waiting_first)
{
	struct child waiters[5];

	start_waiters(waiters, 5);
	cr_assert_eq(notify(1), 1);
	cr_assert(eventually(shared->woken == 1));
	clock_sleep(3 * FUTEX_NAP_NS); /* no nap's end wakes another */
	cr_assert_eq(shared->woken, 1);
	cr_assert_eq(waiting(), 4);
	cr_assert_eq(notify(2), 2);
	cr_assert(eventually(shared->woken == 3));
	lock();
	cr_assert_eq(condition_notify_all(&shared->condition), 2);
	unlock();
	for (size_t i = 0; i < 5; i++) {
		cr_assert_eq(child_join(&waiters[i]), 0);
	}
	cr_assert_eq(shared->order[0], 0);
	cr_assert_eq(shared->order[1] + shared->order[2], 3);
	cr_assert_eq(notify(1), 0);
}

Test(condition, a_wait_ends_in_time_and_holds_the_mutex_again)
{
	lock();
	int64_t before = clock_monotonic_ns();
	cr_assert_not(condition_wait(&shared->condition, 2 * FUTEX_NAP_NS));
	cr_assert_geq(clock_monotonic_ns() - before, 2 * FUTEX_NAP_NS);
	cr_assert_eq(mutex_owner(&shared->mutex, NULL), getpid());
	cr_assert_eq(waiting(), 0);
	unlock();
}

Test(condition, a_call_to_one_who_is_killed_is_passed_on)
{
	struct child waiters[3];

	start_waiters(waiters, 3);
	kill(waiters[0].pid, SIGSTOP);
	kill(waiters[1].pid, SIGSTOP);
	cr_assert_eq(notify(1), 1);
	child_kill(&waiters[1]);
	clock_sleep(2 * FUTEX_NAP_NS);
	cr_assert_eq(shared->woken, 0, "the one called is only stopped");
	child_kill(&waiters[0]);
	cr_assert_eq(child_join(&waiters[2]), 0);
	cr_assert_eq(waiting(), 0);
}

static int change_and_die(void *argument)
{
	(void)argument;
	lock();
	shared->ready = true;
	raise(SIGKILL);
	return 0;
}

Test(condition, a_notifier_killed_before_it_notified_leaves_nobody_asleep)
{
	struct child waiter;

	start_waiters(&waiter, 1);
	cr_assert_eq(child_run(change_and_die, NULL), -SIGKILL);
	cr_assert_eq(child_join(&waiter), 0);
}

static int call_without_waking(void *argument)
{
	(void)argument;
	lock();
	shared->condition.waiters[0].state = 2;
	unlock();
	return 0;
}

Test(condition, a_notifier_killed_before_the_wake_up_leaves_nobody_asleep)
{
	struct child waiter;

	start_waiters(&waiter, 1);
	cr_assert_eq(child_run(call_without_waking, NULL), 0);
	cr_assert_eq(child_join(&waiter), 0);
}

static bool is_ready(void *context)
{
	(void)context;
	return shared->ready;
}

static int wait_until_ready(void *argument)
{
	(void)argument;
	lock();
	child_check(condition_wait_for(&shared->condition, is_ready, NULL, FUTEX_FOREVER));
	shared->woken++;
	unlock();
	return 0;
}

Test(condition, wait_for_ends_when_it_is_true_and_not_before)
{
	struct child waiter = child_start(wait_until_ready, NULL);

	cr_assert(eventually(waiting() == 1));
	notify(1);
	cr_assert(eventually(waiting() == 1), "it waits again");
	cr_assert_eq(shared->woken, 0);
	shared->ready = true;
	notify(1);
	cr_assert_eq(child_join(&waiter), 0);
	lock();
	cr_assert(condition_wait_for(&shared->condition, is_ready, NULL, 0));
	shared->ready = false;
	cr_assert_not(condition_wait_for(&shared->condition, is_ready, NULL, 0));
	cr_assert_not(condition_wait_for(&shared->condition, is_ready, NULL, NS_PER_MS));
	unlock();
}

static int lock_and_set_ready(void *argument)
{
	(void)argument;
	lock();
	shared->ready = true;
	condition_notify_all(&shared->condition);
	unlock();
	return 0;
}

Test(condition, gives_a_recursive_mutex_back_altogether)
{
	init(MUTEX_RECURSIVE);
	lock();
	lock();
	struct child other = child_start(lock_and_set_ready, NULL);
	cr_assert(condition_wait_for(&shared->condition, is_ready, NULL, CHILD_PATIENCE_NS));
	cr_assert_eq(shared->mutex.depth, 2);
	unlock();
	unlock();
	cr_assert_eq(child_join(&other), 0);
}

static int nothing(void *argument)
{
	(void)argument;
	return 0;
}

static void fill_with(struct identity who)
{
	for (size_t i = 0; i < CONDITION_WAITERS_MAX; i++) {
		shared->condition.waiters[i].who = who;
		shared->condition.waiters[i].state = 1;
	}
	shared->condition.used = CONDITION_WAITERS_MAX;
}

Test(condition, a_table_full_of_the_dead_is_used_again)
{
	struct child dead = child_start(nothing, NULL);

	child_join(&dead);
	fill_with((struct identity){ .pid = dead.pid });
	struct child waiter;
	start_waiters(&waiter, 1);
	cr_assert_eq(notify(1), 1);
	cr_assert_eq(child_join(&waiter), 0);
}

Test(condition, one_more_than_the_table_holds_waits_too)
{
	fill_with(identity_own());
	struct child waiter = child_start(wait_until_ready, NULL);
	clock_sleep(FUTEX_NAP_NS);
	cr_assert_eq(shared->woken, 0);
	shared->ready = true;
	cr_assert_eq(child_join(&waiter), 0);
}

static int wait_again_and_again(void *argument)
{
	(void)argument;
	for (;;) {
		lock();
		condition_wait(&shared->condition, FUTEX_FOREVER);
		shared->woken++;
		unlock();
	}
	return 0;
}

/* FAILURES: pthread's condition variable stalled here in 30 rounds of 30. */
Test(condition, killed_waiters_stall_nobody)
{
	struct child waiters[WAITERS];

	for (size_t i = 0; i < WAITERS; i++) {
		waiters[i] = child_start(wait_again_and_again, NULL);
	}
	for (int round = 0; round < 60; round++) {
		size_t victim = (size_t)rand() % WAITERS;
		notify(WAITERS);
		clock_sleep(rand() % 500 * NS_PER_US);
		child_kill(&waiters[victim]);
		waiters[victim] = child_start(wait_again_and_again, NULL);
		uint32_t before = shared->woken;
		cr_assert(eventually((notify(1), shared->woken != before)), "round %d", round);
	}
	for (size_t i = 0; i < WAITERS; i++) {
		child_kill(&waiters[i]);
	}
}
