/*
 * The data that the lock guards is a pair of equal numbers. Whoever dies between changing the one
 * and the other leaves them different, and the repair has to find that out.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "shared/base/memory.h"
#include "shared/sync/mutex.h"
#include "tests/support/child.h"

#define WRITERS 4

/* An increment under way: what the repair goes back to. */
struct journal {
	volatile bool open;
	volatile int writer;
	volatile uint64_t counter;
	volatile uint64_t done;
};

struct shared {
	struct mutex mutex;
	volatile uint64_t left;
	volatile uint64_t right;
	volatile int repairs;
	volatile pid_t dead; /* what the last repair was told */
	_Atomic int step;    /* where a child has come to */
	_Atomic int go;      /* what a child waits for */
	struct journal journal;
	volatile uint64_t counter;
	volatile uint64_t done[WRITERS];
};

static struct memory memory;
static struct shared *shared;
static struct mutex *mutex;

static void repair_pair(void *context, pid_t dead)
{
	struct shared *all = context;

	all->right = all->left;
	all->dead = dead;
	all->repairs++;
}

static struct mutex_repair repair = { .run = repair_pair };

static void start_anew(enum mutex_kind kind)
{
	*shared = (struct shared){ .left = 0 };
	mutex_init(mutex, kind);
}

static void set_up(void)
{
	memory_init(&memory, "mutex-test", sizeof(struct shared));
	shared = memory_take(&memory, sizeof(*shared), CACHE_LINE);
	mutex = &shared->mutex;
	repair.context = shared;
	start_anew(MUTEX_PLAIN);
}

static void tear_down(void)
{
	memory_finish(&memory);
}

TestSuite(mutex, .init = set_up, .fini = tear_down);

static void change_pair(void)
{
	shared->left++;
	shared->right++;
}

static void wait_for_ever(void)
{
	for (;;) {
		pause();
	}
}

/* Takes the lock, says so, and keeps it until it is killed, with the pair left different. */
static int hold(void *argument)
{
	(void)argument;
	child_check(mutex_lock(mutex, &repair) == MUTEX_TAKEN);
	shared->left++;
	shared->step = 1;
	wait_for_ever();
	return 0;
}

static struct child start_holder(void)
{
	shared->step = 0;
	struct child holder = child_start(hold, NULL);
	cr_assert(eventually(shared->step == 1));
	return holder;
}

static void leave_dead_holder(pid_t *pid)
{
	struct child holder = start_holder();

	*pid = holder.pid;
	cr_assert_eq(child_kill(&holder), -SIGKILL);
}

static void assert_free_and_sound(void)
{
	cr_assert_eq(mutex_lock_within(mutex, NS_PER_SECOND, &repair), MUTEX_TAKEN);
	cr_assert_eq(shared->left, shared->right);
	cr_assert_eq(mutex->repairing, 0);
	cr_assert_eq(mutex_owner(mutex, NULL), getpid());
	mutex_unlock(mutex);
	cr_assert_eq(mutex_owner(mutex, NULL), 0);
}

Test(mutex, says_who_holds_it_and_for_how_long)
{
	int64_t held_ns = -1;

	cr_assert_eq(mutex_owner(mutex, &held_ns), 0);
	cr_assert_eq(held_ns, 0);
	cr_assert_eq(mutex_lock(mutex, NULL), MUTEX_TAKEN);
	cr_assert_eq(mutex_owner(mutex, NULL), getpid());
	cr_assert(eventually((mutex_owner(mutex, &held_ns), held_ns) >= 5 * NS_PER_MS));
	mutex_unlock(mutex);
	cr_assert_eq(mutex_owner(mutex, &held_ns), 0);
	cr_assert_eq(mutex->taken, 1);
	cr_assert_eq(mutex->held.count, 1);
	cr_assert_geq(mutex->held.largest, 5 * NS_PER_MS);
}

Test(mutex, a_brief_one_outlives_its_holder_too_but_keeps_no_time)
{
	int64_t held_ns = -1;
	pid_t dead;

	start_anew(MUTEX_BRIEF);
	leave_dead_holder(&dead);
	cr_assert_eq(mutex_spin(mutex, &repair), MUTEX_TAKEN);
	cr_expect_eq(shared->dead, dead);
	cr_expect_eq(shared->left, shared->right);
	cr_expect_eq(mutex_owner(mutex, &held_ns), getpid());
	cr_expect_eq(held_ns, 0);
	mutex_unlock(mutex);
	cr_expect_eq(mutex_owner(mutex, NULL), 0);
	cr_expect_eq(mutex->held.count, 0);
	assert_free_and_sound();
}

Test(mutex, a_plain_one_taken_twice_is_a_deadlock)
{
	cr_assert_eq(mutex_lock(mutex, NULL), MUTEX_TAKEN);
	cr_assert_eq(mutex_lock(mutex, NULL), MUTEX_DEADLOCK);
	cr_assert_eq(mutex_try(mutex, NULL), MUTEX_DEADLOCK);
	cr_assert_eq(mutex_spin(mutex, NULL), MUTEX_DEADLOCK);
	cr_assert_eq(mutex_lock_within(mutex, NS_PER_MS, NULL), MUTEX_DEADLOCK);
	mutex_unlock(mutex);
	assert_free_and_sound();
}

static int try_once(void *argument)
{
	(void)argument;
	return (int)mutex_try(mutex, NULL);
}

Test(mutex, a_recursive_one_is_free_after_as_many_unlocks)
{
	start_anew(MUTEX_RECURSIVE);
	cr_assert_eq(mutex_lock(mutex, NULL), MUTEX_TAKEN);
	cr_assert_eq(mutex_lock(mutex, NULL), MUTEX_TAKEN);
	cr_assert_eq(mutex_try(mutex, NULL), MUTEX_TAKEN);
	mutex_unlock(mutex);
	mutex_unlock(mutex);
	cr_assert_eq(child_run(try_once, NULL), MUTEX_BUSY);
	cr_assert_eq(mutex_owner(mutex, NULL), getpid());
	mutex_unlock(mutex);
	cr_assert_eq(mutex->taken, 1);
	cr_assert_eq(child_run(try_once, NULL), MUTEX_TAKEN);
}

Test(mutex, who_dies_deep_in_a_recursive_one_leaves_it_takeable)
{
	start_anew(MUTEX_RECURSIVE);
	for (int round = 0; round < 3; round++) {
		pid_t dead;
		leave_dead_holder(&dead);
		assert_free_and_sound();
		cr_assert_eq(shared->dead, dead);
	}
}

Test(mutex, a_taken_one_is_busy_at_once_or_after_the_time_out)
{
	struct child holder = start_holder();

	cr_assert_eq(mutex_try(mutex, &repair), MUTEX_BUSY);
	cr_assert_eq(mutex_spin(mutex, &repair), MUTEX_BUSY);
	cr_assert_eq(mutex_lock_within(mutex, 0, &repair), MUTEX_BUSY);
	int64_t begin = clock_monotonic_ns();
	cr_assert_eq(mutex_lock_within(mutex, 30 * NS_PER_MS, &repair), MUTEX_BUSY);
	cr_assert_geq(clock_monotonic_ns() - begin, 30 * NS_PER_MS);
	cr_assert_eq(mutex->waiting, 0);
	child_kill(&holder);
	assert_free_and_sound();
}

Test(mutex, a_stopped_holder_is_seen_by_a_timed_lock)
{
	struct child holder = start_holder();
	int64_t held_ns;

	kill(holder.pid, SIGSTOP);
	cr_assert_eq(mutex_lock_within(mutex, 20 * NS_PER_MS, &repair), MUTEX_BUSY);
	cr_assert_eq(mutex_owner(mutex, &held_ns), holder.pid);
	cr_assert_geq(held_ns, 20 * NS_PER_MS);
	child_kill(&holder);
	assert_free_and_sound();
}

static int take_when_free(void *argument)
{
	(void)argument;
	child_check(mutex_lock(mutex, &repair) == MUTEX_TAKEN);
	change_pair();
	mutex_unlock(mutex);
	return 0;
}

Test(mutex, who_waits_gets_it_when_the_holder_dies)
{
	struct child holder = start_holder();
	struct child waiter = child_start(take_when_free, NULL);

	cr_assert(eventually(mutex->waiting == 1));
	child_kill(&holder);
	cr_assert_eq(child_join(&waiter), 0);
	cr_assert_eq(shared->repairs, 1);
	cr_assert_eq(shared->dead, holder.pid);
	cr_assert_eq(mutex->deaths, 1);
	cr_assert_eq(mutex->waiting, 0);
	assert_free_and_sound();
}

Test(mutex, try_and_spin_repair_too)
{
	pid_t dead;

	leave_dead_holder(&dead);
	cr_assert_eq(mutex_try(mutex, &repair), MUTEX_TAKEN);
	cr_assert_eq(shared->dead, dead);
	mutex_unlock(mutex);
	leave_dead_holder(&dead);
	cr_assert_eq(mutex_spin(mutex, &repair), MUTEX_TAKEN);
	cr_assert_eq(shared->dead, dead);
	mutex_unlock(mutex);
	cr_assert_eq(shared->repairs, 2);
}

Test(mutex, without_a_repair_a_dead_ones_lock_is_taken_all_the_same)
{
	pid_t dead;

	leave_dead_holder(&dead);
	cr_assert_eq(mutex_lock(mutex, NULL), MUTEX_TAKEN);
	mutex_unlock(mutex);
	cr_assert_eq(mutex_try(mutex, &repair), MUTEX_TAKEN);
	cr_assert_eq(shared->repairs, 0, "the one before has taken care of it");
	mutex_unlock(mutex);
}

static void take_once_more(void *context, pid_t dead)
{
	(void)dead;
	cr_assert_eq(mutex_lock(context, NULL), MUTEX_TAKEN);
	mutex_unlock(context);
}

Test(mutex, a_repair_may_take_a_recursive_lock_again)
{
	const struct mutex_repair nested = { take_once_more, mutex };
	pid_t dead;

	start_anew(MUTEX_RECURSIVE);
	leave_dead_holder(&dead);
	cr_assert_eq(mutex_lock(mutex, &nested), MUTEX_TAKEN);
	cr_assert_not(mutex->broken);
	mutex_unlock(mutex);
}

static int count_change(void *argument)
{
	(void)argument;
	mutex_lock(mutex, &repair);
	change_pair();
	mutex_unlock(mutex);
	return 0;
}

static void prepare_free(void)
{
	start_anew(MUTEX_PLAIN);
}

static void look_after_holder(const struct child *child)
{
	bool different = shared->left != shared->right;

	assert_free_and_sound();
	if (different) {
		cr_assert_eq(shared->dead, child->pid, "the repair is told who left the damage");
	}
	cr_assert_eq(shared->repairs, (int)mutex->deaths);
	cr_assert_leq(shared->repairs, 1);
	if (shared->repairs == 1) {
		cr_assert(shared->dead == child->pid || shared->dead == 0);
	}
}

Test(mutex, survives_a_holder_killed_at_any_step)
{
	child_kill_everywhere(count_change, prepare_free, look_after_holder);
}

static pid_t first_dead;

static void prepare_dead_holder(void)
{
	start_anew(MUTEX_PLAIN);
	leave_dead_holder(&first_dead);
}

static void look_after_successor(const struct child *child)
{
	bool unrepaired = shared->repairs == 0 || mutex->broken;

	assert_free_and_sound();
	if (unrepaired) {
		cr_assert_eq(shared->dead, first_dead, "its work is what is to be repaired");
	}
	cr_assert_geq(shared->repairs, 1);
	cr_assert(shared->dead == first_dead || shared->dead == child->pid || shared->dead == 0);
}

Test(mutex, survives_a_successor_killed_at_any_step_of_its_repair)
{
	child_kill_everywhere(count_change, prepare_dead_holder, look_after_successor);
}

/* What our own code never does: gives a dead one's lock back without having repaired. */
static void make_unusable(void)
{
	pthread_mutex_t *lock = &mutex->locks[mutex->remade % 2];

	cr_assert_eq(pthread_mutex_lock(lock), EOWNERDEAD);
	cr_assert_eq(pthread_mutex_unlock(lock), 0);
	cr_assert_eq(pthread_mutex_lock(lock), ENOTRECOVERABLE);
}

static void prepare_unusable(void)
{
	prepare_dead_holder();
	make_unusable();
}

Test(mutex, an_unusable_lock_is_made_anew_and_repaired)
{
	for (int round = 1; round <= 5; round++) {
		leave_dead_holder(&first_dead);
		make_unusable();
		assert_free_and_sound();
		cr_assert_eq((int)mutex->remade, round);
		cr_assert_eq(shared->repairs, round);
		cr_assert_eq(shared->dead, first_dead);
	}
}

Test(mutex, an_unusable_lock_is_made_anew_by_try_and_spin_too)
{
	prepare_unusable();
	cr_assert_eq(mutex_try(mutex, &repair), MUTEX_TAKEN);
	mutex_unlock(mutex);
	prepare_unusable();
	cr_assert_eq(mutex_spin(mutex, &repair), MUTEX_TAKEN);
	mutex_unlock(mutex);
	cr_assert_eq(shared->repairs, 1);
}

Test(mutex, survives_one_who_makes_it_anew_killed_at_any_step)
{
	child_kill_everywhere(count_change, prepare_unusable, look_after_successor);
}

static int wait_and_change(void *argument)
{
	(void)argument;
	shared->step++;
	while (shared->go == 0) {
		continue;
	}
	return take_when_free(argument);
}

Test(mutex, exactly_one_of_many_makes_it_anew)
{
	struct child children[6];

	for (int round = 0; round < 20; round++) {
		prepare_unusable();
		shared->step = 0;
		for (int i = 0; i < 6; i++) {
			children[i] = child_start(wait_and_change, NULL);
		}
		cr_assert(eventually(shared->step == 6));
		shared->go = 1;
		for (int i = 0; i < 6; i++) {
			cr_assert_eq(child_join(&children[i]), 0);
		}
		cr_assert_eq(mutex->remade, 1);
		cr_assert_eq(shared->repairs, 1);
		cr_assert_eq(shared->left, 7, "one of the dead and six");
		assert_free_and_sound();
	}
}

Test(mutex, those_who_wait_for_a_lock_that_becomes_unusable_get_the_new_one)
{
	struct child children[4];
	pid_t dead;

	leave_dead_holder(&dead);
	pthread_mutex_t *lock = &mutex->locks[0];
	cr_assert_eq(pthread_mutex_lock(lock), EOWNERDEAD);
	for (int i = 0; i < 4; i++) {
		children[i] = child_start(take_when_free, NULL);
	}
	cr_assert(eventually(mutex->waiting == 4));
	cr_assert_eq(pthread_mutex_unlock(lock), 0);
	for (int i = 0; i < 4; i++) {
		cr_assert_eq(child_join(&children[i]), 0);
	}
	cr_assert_eq(mutex->remade, 1);
	cr_assert_eq(shared->repairs, 1);
	assert_free_and_sound();
}

static void undo_increment(void *context, pid_t dead)
{
	struct shared *all = context;

	(void)dead;
	if (!all->journal.open) {
		return;
	}
	all->counter = all->journal.counter;
	all->done[all->journal.writer] = all->journal.done;
	all->journal.open = false;
}

static void increment(int writer)
{
	shared->journal.counter = shared->counter;
	shared->journal.done = shared->done[writer];
	shared->journal.writer = writer;
	shared->journal.open = true;
	uint64_t counter = shared->counter;
	for (volatile int i = 0; i < 50; i++) { /* room for others who should not be here */
		continue;
	}
	shared->counter = counter + 1;
	shared->done[writer]++;
	shared->journal.open = false;
}

static int increment_for_ever(void *argument)
{
	const struct mutex_repair undo = { undo_increment, shared };
	int writer = *(const int *)argument;

	for (;;) {
		child_check(mutex_lock_within(mutex, CHILD_PATIENCE_NS, &undo) == MUTEX_TAKEN);
		increment(writer);
		mutex_unlock(mutex);
	}
}

Test(mutex, no_increment_is_lost_or_done_twice_while_holders_are_killed)
{
	const struct mutex_repair undo = { undo_increment, shared };
	int numbers[WRITERS] = { 0, 1, 2, 3 };
	struct child writers[WRITERS];
	int64_t end = clock_deadline(1500 * NS_PER_MS);

	for (int i = 0; i < WRITERS; i++) {
		writers[i] = child_start(increment_for_ever, &numbers[i]);
	}
	while (clock_monotonic_ns() < end) {
		int victim = rand() % WRITERS;
		clock_sleep(rand() % (2 * NS_PER_MS));
		cr_assert_eq(child_kill(&writers[victim]), -SIGKILL);
		writers[victim] = child_start(increment_for_ever, &numbers[victim]);
	}
	for (int i = 0; i < WRITERS; i++) {
		cr_assert_eq(child_kill(&writers[i]), -SIGKILL);
	}
	cr_assert_eq(mutex_lock_within(mutex, NS_PER_SECOND, &undo), MUTEX_TAKEN);
	uint64_t sum = 0;
	for (int i = 0; i < WRITERS; i++) {
		sum += shared->done[i];
	}
	cr_assert_eq(shared->counter, sum);
	cr_assert_gt(sum, 1000);
	cr_assert_gt(mutex->deaths, 0, "no holder was ever hit");
	mutex_unlock(mutex);
}

Test(mutex, killed_waiters_do_not_stay_counted)
{
	cr_assert_eq(mutex_lock(mutex, NULL), MUTEX_TAKEN);
	for (uint32_t i = 1; i <= 3; i++) {
		struct child waiter = child_start(take_when_free, NULL);
		cr_assert(eventually(mutex->waiting == i));
		child_kill(&waiter);
	}
	mutex_unlock(mutex);
	clock_sleep(20 * NS_PER_MS);
	assert_free_and_sound();
	cr_assert_eq(mutex->waiting, 0);
}

/* From now on a call to the kernel, other than to exit, is a SIGSYS. */
static void forbid_calls(void)
{
	struct sock_filter rules[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	const struct sock_fprog program = { sizeof(rules) / sizeof(rules[0]), rules };

	child_check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	child_check(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

static int read_the_clock(void *argument)
{
	(void)argument;
	clock_monotonic_ns();
	forbid_calls();
	clock_monotonic_ns();
	return 0;
}

static int lock_often(void *argument)
{
	(void)argument;
	count_change(NULL);
	forbid_calls();
	for (int i = 0; i < 1000; i++) {
		count_change(NULL);
	}
	return 0;
}

Test(mutex, an_uncontended_lock_does_not_call_the_kernel)
{
	if (child_run(read_the_clock, NULL) != 0) {
		cr_skip_test("even reading the clock calls the kernel here");
	}
	cr_assert_eq(child_run(lock_often, NULL), 0);
	cr_assert_eq(shared->right, 1001);
}

static int unlock_anothers(void *argument)
{
	(void)argument;
	mutex_unlock(mutex);
	return 0;
}

static void unlock_in_repair(void *context, pid_t dead)
{
	(void)dead;
	mutex_unlock(context);
}

static int give_back_broken(void *argument)
{
	const struct mutex_repair wrong = { unlock_in_repair, mutex };

	(void)argument;
	mutex_lock(mutex, &wrong);
	return 0;
}

static void assert_is_bug(int (*run)(void *argument))
{
	char text[512];

	cr_assert_eq(child_run_caught(run, NULL, STDERR_FILENO, text, sizeof(text)), -SIGABRT);
}

Test(mutex, unlocking_what_one_does_not_hold_is_a_bug)
{
	assert_is_bug(unlock_anothers);
	cr_assert_eq(mutex_lock(mutex, NULL), MUTEX_TAKEN);
	assert_is_bug(unlock_anothers);
	mutex_unlock(mutex);
}

Test(mutex, unlocking_in_the_midst_of_a_repair_is_a_bug)
{
	leave_dead_holder(&first_dead);
	assert_is_bug(give_back_broken);
	assert_free_and_sound();
	cr_assert_eq(shared->dead, first_dead);
}
