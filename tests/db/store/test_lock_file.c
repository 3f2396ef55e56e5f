#include "db/store/lock_file.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "db/store/records.h"
#include "shared/base/clock.h"
#include "tests/db/scratch.h"
#include "tests/support/child.h"

#define LAYOUT_OFFSET 16 /* in the file */

static bool no_flock; /* as on a file system that has none */

/* In front of the C library's. */
int flock(int descriptor, int operation)
{
	if (no_flock) {
		errno = EOPNOTSUPP;
		return -1;
	}
	return (int)syscall(SYS_flock, descriptor, operation);
}

TestSuite(lockfile, .init = scratch_make, .fini = scratch_remove);

static char path[512];
static char error[STORE_ERROR_SIZE];

static struct mutex *open_lock(const char *name)
{
	return lockfile_open(scratch_path(name), error);
}

/* In a child: opens the lock of the store at PATH and says what came of trying it. */
enum { TAKEN = 10, BUSY, OTHER_VERSION, OTHER_CONTAINER, TAKEN_AWAY, ANOTHER_NOW, REFUSED };

static int why_refused(void)
{
	static const struct {
		const char *text;
		int result;
	} reasons[] = { { "another version", OTHER_VERSION },
			{ "another container", OTHER_CONTAINER },
			{ "taken away", TAKEN_AWAY },
			{ "another file now", ANOTHER_NOW } };
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		if (strstr(error, reasons[i].text)) {
			return reasons[i].result;
		}
	}
	return REFUSED;
}

static int try_it(void *argument)
{
	(void)argument;
	struct mutex *mutex = lockfile_open(path, error);
	if (!mutex) {
		return why_refused();
	}
	if (mutex_try(mutex, NULL) == MUTEX_BUSY) {
		return BUSY;
	}
	mutex_unlock(mutex);
	return TAKEN;
}

static int try_in_child(const char *name)
{
	snprintf(path, sizeof(path), "%s", scratch_path(name));
	return child_run(try_it, NULL);
}

/* Children that use the lock of "s" and that this process does not: it knows of none. */

static int use_it(void *argument)
{
	child_check(lockfile_open(path, error));
	child_check(*(int *)argument == 0 || lockfile_mark_store(path));
	write_file(scratch_path("ready"), "", 0);
	for (;;) {
		pause();
	}
}

static struct child start_user(bool marks)
{
	static int with_mark;
	with_mark = marks;
	snprintf(path, sizeof(path), "%s", scratch_path("s"));
	struct child user = child_start(use_it, &with_mark);
	cr_assert(eventually(access(scratch_path("ready"), F_OK) == 0));
	return user;
}

Test(lockfile, opened_twice_is_mapped_once)
{
	struct mutex *mutex = open_lock("s");
	cr_assert(mutex != NULL);
	cr_assert_eq(open_lock("s"), mutex);
	cr_assert_neq(open_lock("other"), mutex);
}

Test(lockfile, is_one_lock_for_all_processes)
{
	struct child user = start_user(false);
	struct mutex *mutex = open_lock("s");
	cr_assert_eq(try_in_child("s"), TAKEN);
	cr_assert_eq(mutex_lock(mutex, NULL), MUTEX_TAKEN);
	cr_assert_eq(try_in_child("s"), BUSY);
	mutex_unlock(mutex);
	cr_assert_eq(try_in_child("s"), TAKEN);
	child_kill(&user);
}

/* As of another boot, or of a container that is gone. */
Test(lockfile, that_is_held_and_nobody_uses_is_free)
{
	struct mutex *mutex = open_lock("s");
	mutex_lock(mutex, NULL);
	copy_file(scratch_path("s-lock"), scratch_path("copy-lock"));
	cr_assert_eq(try_in_child("copy"), TAKEN);
	mutex_unlock(mutex);
}

Test(lockfile, of_another_layout_is_refused_while_somebody_uses_it)
{
	struct child user = start_user(false);
	int file = open(scratch_path("s-lock"), O_RDWR | O_CLOEXEC);
	cr_assert_eq(pwrite(file, "\7", 1, LAYOUT_OFFSET), 1);
	cr_assert_eq(try_in_child("s"), OTHER_VERSION);
	child_kill(&user);
	cr_assert_eq(try_in_child("s"), TAKEN);
	close(file);
}

/* Version 0.1.0 has no flock on it; its server has the first byte. */
Test(lockfile, that_an_old_server_serves_by_is_refused)
{
	struct flock first = { .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_len = 1 };
	write_file(scratch_path("s-lock"), "turnstile lock\n\0\1", 17);
	int file = open(scratch_path("s-lock"), O_RDWR | O_CLOEXEC);
	cr_assert_eq(fcntl(file, F_OFD_SETLK, &first), 0);
	cr_assert_eq(try_in_child("s"), OTHER_VERSION);
	close(file);
	cr_assert_eq(try_in_child("s"), TAKEN);
}

Test(lockfile, that_was_never_finished_is_made_anew)
{
	write_file(scratch_path("empty-lock"), "", 0);
	cr_assert_eq(try_in_child("empty"), TAKEN);
	write_file(scratch_path("half-lock"), "turn", 4);
	cr_assert_eq(try_in_child("half"), TAKEN);
}

Test(lockfile, where_there_is_no_flock_is_refused_with_the_systems_word)
{
	no_flock = true;
	cr_expect_null(open_lock("s"));
	cr_expect(strstr(error, strerror(EOPNOTSUPP)), "%s", error);
	no_flock = false;
	cr_expect_not_null(open_lock("s"), "%s", error);
}

static int die_holding(void *argument)
{
	(void)argument;
	mutex_lock(lockfile_open(path, error), NULL);
	raise(SIGKILL);
	return 0;
}

Test(lockfile, of_a_dead_holder_is_had_by_the_next)
{
	struct mutex *mutex = open_lock("s");
	snprintf(path, sizeof(path), "%s", scratch_path("s"));
	cr_assert_eq(child_run(die_holding, NULL), -SIGKILL);
	cr_assert_eq(mutex_lock_within(mutex, 2 * NS_PER_SECOND, NULL), MUTEX_TAKEN);
	cr_assert_eq(mutex->deaths, 1);
	mutex_unlock(mutex);
}

/* Servers */

static void sleep_until_killed(void)
{
	for (;;) {
		clock_sleep(NS_PER_SECOND);
	}
}

/* In a child: serves the store "s" under the number that ARGUMENT points to, until it is killed. */
static int serve(void *argument)
{
	const uint32_t *server = argument;
	(void)lockfile_serve(scratch_path("s"), *server);
	sleep_until_killed();
	return 0;
}

Test(lockfile, says_which_servers_are_there)
{
	static uint32_t numbers[] = { 0, 7, UINT32_MAX };
	struct child children[3];
	struct mutex *mutex = open_lock("s");
	uint64_t none = lockfile_servers(mutex);
	for (int i = 0; i < 3; i++) {
		uint64_t before = lockfile_servers(mutex);
		cr_assert(!lockfile_is_served_by(mutex, numbers[i]));
		children[i] = child_start(serve, &numbers[i]);
		cr_assert(eventually(lockfile_is_served_by(mutex, numbers[i])));
		cr_assert_neq(lockfile_servers(mutex), before);
	}
	cr_assert(!lockfile_is_served_by(mutex, 8));
	child_kill(&children[1]);
	cr_assert(!lockfile_is_served_by(mutex, 7));
	cr_assert(lockfile_is_served_by(mutex, 0));
	child_kill(&children[0]);
	child_kill(&children[2]);
	cr_assert_eq(lockfile_servers(mutex), none);
}

/* What a forked process inherits may be closed: it looks by a descriptor of its own. */
static int sees_server_7(void *argument)
{
	struct mutex *mutex = argument;
	close_range(STDERR_FILENO + 1, ~0U, 0);
	return lockfile_is_served_by(mutex, 7) && !lockfile_is_served_by(mutex, 8);
}

Test(lockfile, says_which_servers_are_there_in_a_forked_process_too)
{
	static uint32_t number = 7;
	struct mutex *mutex = open_lock("s");
	struct child server = child_start(serve, &number);
	cr_assert(eventually(lockfile_is_served_by(mutex, 7)));
	cr_expect_eq(child_run(sees_server_7, mutex), 1);
	child_kill(&server);
	cr_expect_eq(child_run(sees_server_7, mutex), 0);
}

/* Nothing of theirs may lapse then. */
static int sees_server_8(void *argument)
{
	return lockfile_is_served_by(argument, 8);
}

Test(lockfile, that_was_taken_away_has_servers_as_far_as_who_forks_can_tell)
{
	struct mutex *mutex = open_lock("s");
	cr_assert_eq(unlink(scratch_path("s-lock")), 0);
	cr_expect_eq(child_run(sees_server_8, mutex), 1);
}

/* A cleaner of old files asks for the flock before it takes one away (systemd-tmpfiles does). */
Test(lockfile, is_flocked_for_as_long_as_somebody_uses_it)
{
	struct child user = start_user(false);
	int file = open(scratch_path("s-lock"), O_RDWR | O_CLOEXEC);
	cr_expect_eq(flock(file, LOCK_EX | LOCK_NB), -1);
	child_kill(&user);
	cr_expect_eq(flock(file, LOCK_EX | LOCK_NB), 0);
	close(file);
}

/* Taken away */

Test(lockfile, that_was_taken_away_is_one_lock_still_for_who_forked)
{
	struct mutex *mutex = open_lock("s");
	cr_assert_eq(unlink(scratch_path("s-lock")), 0);
	cr_assert_eq(open_lock("s"), mutex);
	mutex_lock(mutex, NULL);
	cr_expect_eq(try_in_child("s"), BUSY);
	mutex_unlock(mutex);
	cr_expect_eq(try_in_child("s"), TAKEN);
	cr_expect(lockfile_is_the_one(mutex));
	cr_expect_neq(access(scratch_path("s-lock"), F_OK), 0, "a second one was made");
}

Test(lockfile, that_was_taken_away_is_not_made_again_while_the_store_is_in_use)
{
	write_file(scratch_path("s"), "store", 5);
	struct child user = start_user(true);
	cr_assert_eq(unlink(scratch_path("s-lock")), 0);
	cr_expect_eq(try_in_child("s"), TAKEN_AWAY);
	cr_expect_neq(access(scratch_path("s-lock"), F_OK), 0, "a second one was made");
	child_kill(&user);
	cr_expect_eq(try_in_child("s"), TAKEN);
}

Test(lockfile, that_was_replaced_is_noticed)
{
	struct mutex *mutex = open_lock("s");
	cr_assert_eq(unlink(scratch_path("s-lock")), 0);
	write_file(scratch_path("s-lock"), "", 0);
	cr_expect_not(lockfile_is_the_one(mutex));
	cr_expect_null(open_lock("s"));
	cr_expect_eq(why_refused(), ANOTHER_NOW);
}

/* Containers */

/* Not by child_start: the first process of a container has no parent that it could watch. */
static int in_another_container(void *argument)
{
	int status = 0;
	if (unshare(CLONE_NEWPID) != 0) {
		return 0;
	}
	pid_t inner = fork();
	if (inner == 0) {
		_exit(try_it(argument));
	}
	child_check(waitpid(inner, &status, 0) == inner);
	return WEXITSTATUS(status);
}

/* There the same numbers are others' processes: a robust lock would take one for the other. */
Test(lockfile, is_for_one_container_at_a_time)
{
	struct child user = start_user(false);
	int result = child_run(in_another_container, NULL);
	if (result == 0) {
		child_kill(&user);
		cr_skip_test("nobody but root can make a pid namespace here");
	}
	cr_expect_eq(result, OTHER_CONTAINER);
	child_kill(&user);
	cr_expect_eq(child_run(in_another_container, NULL), TAKEN, "the first one is gone");
	cr_expect_eq(try_in_child("s"), TAKEN, "and so is the second");
}
