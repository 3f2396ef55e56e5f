#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/memory.h"
#include "shared/sync/identity.h"
#include "tests/support/child.h"

Test(identity, of_the_caller_is_alive_and_known)
{
	struct identity own = identity_own();

	cr_assert_eq(own.pid, getpid());
	cr_assert_neq(own.started, 0);
	cr_assert(identity_alive(own));
}

static int write_own(void *argument)
{
	*(struct identity *)argument = identity_own();
	return 0;
}

Test(identity, of_a_child_is_its_own_and_ends_with_it)
{
	struct memory memory;

	identity_own(); /* known before the fork, it must not be the child's */
	memory_init(&memory, "turnstile-test", sizeof(struct identity));
	struct identity *who = memory.start;
	struct child child = child_start(write_own, who);
	cr_assert_eq(child_join(&child), 0);
	cr_assert_eq(who->pid, child.pid);
	cr_assert_not(identity_equal(*who, identity_own()));
	cr_assert_not(identity_alive(*who));
	memory_finish(&memory);
}

static int wait_to_be_killed(void *argument)
{
	(void)argument;
	for (;;) {
		pause();
	}
	return 0;
}

Test(identity, of_a_zombie_is_not_alive)
{
	struct child child = child_start(wait_to_be_killed, NULL);
	struct identity who = { .pid = child.pid };
	siginfo_t info;

	cr_assert(identity_alive(who));
	kill(child.pid, SIGKILL);
	cr_assert_eq(waitid(P_PID, (id_t)child.pid, &info, WEXITED | WNOWAIT), 0);
	cr_assert_not(identity_alive(who));
	child_join(&child);
}

Test(identity, of_one_whose_pid_is_used_again_is_not_alive)
{
	struct identity earlier = identity_own();

	earlier.started--;
	cr_assert_not(identity_alive(earlier));
}

static int rename_and_compare(void *argument)
{
	struct identity before = *(const struct identity *)argument;

	child_check(prctl(PR_SET_NAME, ") R 1 2 3 ) 4") == 0);
	before = identity_own();
	child_check(before.started != 0);
	child_check(identity_alive(before));
	return 0;
}

Test(identity, is_found_whatever_the_process_is_called)
{
	struct identity own = identity_own();

	cr_assert_eq(child_run(rename_and_compare, &own), 0);
}
