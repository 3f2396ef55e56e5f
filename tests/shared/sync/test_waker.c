#include <criterion/criterion.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "shared/base/memory.h"
#include "shared/sync/waker.h"
#include "tests/support/child.h"

struct shared {
	struct waker waker;
	_Atomic int news;
};

static struct memory memory;
static struct shared *shared;
static struct waker *waker;
static int queue;

static void set_up(void)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };

	memory_init(&memory, "waker-test", sizeof(struct shared));
	shared = memory_take(&memory, sizeof(*shared), CACHE_LINE);
	waker = &shared->waker;
	waker_init(waker);
	queue = epoll_create1(EPOLL_CLOEXEC);
	cr_assert_eq(epoll_ctl(queue, EPOLL_CTL_ADD, waker->descriptor, &event), 0);
}

static void tear_down(void)
{
	close(queue);
	waker_finish(waker);
	memory_finish(&memory);
}

TestSuite(waker, .init = set_up, .fini = tear_down);

/* Whether the sleeper would wake up now; asking takes the event off. */
static bool woken(void)
{
	struct epoll_event event;

	return epoll_wait(queue, &event, 1, 0) == 1;
}

Test(waker, costs_nothing_when_nobody_sleeps)
{
	cr_assert_not(waker_wake(waker));
	waker_arm(waker);
	waker_disarm(waker);
	cr_assert_not(waker_wake(waker));
	cr_assert_eq(waker->writes, 0);
	cr_assert_not(woken());
}

Test(waker, wakes_a_sleeper_once)
{
	waker_arm(waker);
	cr_assert_not(woken());
	cr_assert(waker_wake(waker));
	cr_assert_not(waker_wake(waker), "it is awake by then");
	cr_assert(woken());
	cr_assert_not(woken(), "one edge");
	cr_assert_eq(waker->writes, 1);
}

Test(waker, wakes_again_after_each_arming_though_it_is_never_read)
{
	for (int i = 0; i < 1000; i++) {
		waker_arm(waker);
		cr_assert(waker_wake(waker));
		cr_assert(woken());
	}
}

Test(waker, goes_on_when_the_armings_have_gone_round)
{
	waker->armings = UINT32_MAX;
	waker_arm(waker);
	cr_assert(waker_wake(waker));
	cr_assert(woken());
}

Test(waker, does_not_block_and_is_closed_on_exec)
{
	cr_assert(fcntl(waker->descriptor, F_GETFL) & O_NONBLOCK);
	cr_assert(fcntl(waker->descriptor, F_GETFD) & FD_CLOEXEC);
}

static int publish_and_wake(void *argument)
{
	(void)argument;
	shared->news++;
	waker_wake(waker);
	return 0;
}

static void prepare_sleeper(void)
{
	woken();
	waker_arm(waker);
	shared->news = 0;
}

/* News of a second one: the sleeper is to hear of it whatever the dead one had done. */
static void look_after_waker(const struct child *dead)
{
	(void)dead;
	publish_and_wake(NULL);
	cr_assert(woken());
}

Test(waker, a_waker_killed_at_any_step_loses_no_wake_up)
{
	child_kill_everywhere(publish_and_wake, prepare_sleeper, look_after_waker);
}

static int arm(void *argument)
{
	(void)argument;
	waker_arm(waker);
	return 0;
}

static void look_after_sleeper(const struct child *dead)
{
	(void)dead;
	prepare_sleeper();
	cr_assert(waker_wake(waker));
	cr_assert(woken());
}

Test(waker, a_sleeper_killed_at_any_step_is_replaced)
{
	child_kill_everywhere(arm, prepare_sleeper, look_after_sleeper);
}

/* The waker stands still at a step; meanwhile the sleeper wakes up, looks, and sleeps again. */
Test(waker, a_slow_waker_does_not_undo_the_next_arming)
{
	prepare_sleeper();
	publish_and_wake(NULL);
	prepare_sleeper();
	long steps = child_count_steps(publish_and_wake, NULL);

	for (long i = 0; i <= steps; i++) {
		prepare_sleeper();
		struct child slow = child_stop_at(publish_and_wake, NULL, i);
		waker_disarm(waker);
		prepare_sleeper();
		child_go_on(&slow);
		cr_assert_eq(child_join(&slow), 0);
		publish_and_wake(NULL);
		cr_assert(woken(), "lost with a waker that stood still at step %ld", i);
	}
}
