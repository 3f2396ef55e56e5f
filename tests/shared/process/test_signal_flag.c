#include "shared/process/signal_flag.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/child.h"

static int catch_two(void *unused)
{
	const signal_flag *flag = signal_flag_catch(SIGTERM);

	(void)unused;
	child_check(signal_flag_catch(SIGHUP) == flag);
	child_check(!*flag);
	child_check(raise(SIGHUP) == 0);
	child_check(*flag);
	return 0;
}

Test(signal_flag, is_set_by_each_signal_that_is_caught)
{
	cr_expect_eq(child_run(catch_two, NULL), 0);
}

static int wait_for_it(void *ready)
{
	const signal_flag *flag = signal_flag_catch(SIGTERM);

	child_check(write(*(int *)ready, "", 1) == 1);
	child_check(pause() == -1 && errno == EINTR);
	child_check(*flag);
	return 0;
}

static bool has_ended(pid_t pid)
{
	siginfo_t end = { 0 };

	return waitid(P_PID, (id_t)pid, &end, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       end.si_pid == pid;
}

Test(signal_flag, ends_a_wait_of_the_kernels)
{
	int ready[2];
	char byte;

	cr_assert_eq(pipe(ready), 0);
	struct child child = child_start(wait_for_it, &ready[1]);

	cr_assert_eq(read(ready[0], &byte, 1), 1);
	/* One that comes before the wait does not end it: the next one does. */
	cr_expect(eventually(kill(child.pid, SIGTERM) != 0 || has_ended(child.pid)));
	cr_expect_eq(child_join(&child), 0);
	close(ready[0]);
	close(ready[1]);
}
