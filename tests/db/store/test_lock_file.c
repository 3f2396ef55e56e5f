#include "db/store/lock_file.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "db/store/boot.h"
#include "tests/db/scratch.h"
#include "tests/support/child.h"

#define LAYOUT_OFFSET 16 /* in the file */
#define FILE_MAX      65536

TestSuite(lockfile, .init = scratch_make, .fini = scratch_remove);

/* In a child: opens the lock of the store at ARGUMENT and says what came of trying it. */
static int try_it(void *argument)
{
	struct mutex *mutex = lockfile_open(argument);
	if (!mutex) {
		return 100 + (errno == EPROTO);
	}
	enum mutex_result result = mutex_try(mutex, NULL);
	if (result == MUTEX_TAKEN) {
		mutex_unlock(mutex);
	}
	return (int)result;
}

static int try_in_child(const char *store_path)
{
	char path[512];
	snprintf(path, sizeof(path), "%s", store_path);
	return child_run(try_it, path);
}

/* Copies the lock file of the store "s" to that of "copy", with a byte changed. */
static void copy_changed(size_t offset)
{
	static unsigned char bytes[FILE_MAX];
	const char *path = scratch_path("s-lock");
	FILE *file = fopen(path, "re");
	cr_assert(file != NULL);
	size_t length = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	cr_assert(offset < length);
	bytes[offset] ^= 1;
	write_file(scratch_path("copy-lock"), bytes, length);
}

static size_t boot_offset(void)
{
	static unsigned char bytes[FILE_MAX];
	char boot[BOOT_SIZE];
	FILE *file = fopen(scratch_path("s-lock"), "re");
	cr_assert(file && boot_read(boot));
	size_t length = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	const unsigned char *found = memmem(bytes, length, boot, strlen(boot));
	cr_assert(found != NULL);
	return (size_t)(found - bytes);
}

Test(lockfile, opened_twice_is_mapped_once)
{
	struct mutex *mutex = lockfile_open(scratch_path("s"));
	cr_assert(mutex != NULL);
	cr_assert_eq(lockfile_open(scratch_path("s")), mutex);
	cr_assert_neq(lockfile_open(scratch_path("other")), mutex);
}

Test(lockfile, is_one_lock_for_all_processes)
{
	struct mutex *mutex = lockfile_open(scratch_path("s"));
	cr_assert_eq(try_in_child(scratch_path("s")), MUTEX_TAKEN);
	cr_assert_eq(mutex_lock(mutex, NULL), MUTEX_TAKEN);
	cr_assert_eq(try_in_child(scratch_path("s")), MUTEX_BUSY);
	mutex_unlock(mutex);
	cr_assert_eq(try_in_child(scratch_path("s")), MUTEX_TAKEN);
}

Test(lockfile, held_in_another_boot_is_free)
{
	struct mutex *mutex = lockfile_open(scratch_path("s"));
	mutex_lock(mutex, NULL);
	copy_file(scratch_path("s-lock"), scratch_path("copy-lock"));
	cr_assert_eq(try_in_child(scratch_path("copy")), MUTEX_BUSY, "held in this one it is not");
	copy_changed(boot_offset());
	cr_assert_eq(try_in_child(scratch_path("copy")), MUTEX_TAKEN);
	mutex_unlock(mutex);
}

Test(lockfile, of_another_layout_is_refused)
{
	cr_assert(lockfile_open(scratch_path("s")) != NULL);
	copy_changed(LAYOUT_OFFSET);
	cr_assert_eq(try_in_child(scratch_path("copy")), 101);
}

Test(lockfile, that_was_never_finished_is_made_anew)
{
	struct mutex *mutex = lockfile_open(scratch_path("s"));
	mutex_lock(mutex, NULL);
	copy_changed(0);
	cr_assert_eq(try_in_child(scratch_path("copy")), MUTEX_TAKEN);
	write_file(scratch_path("empty-lock"), "", 0);
	cr_assert_eq(try_in_child(scratch_path("empty")), MUTEX_TAKEN);
	mutex_unlock(mutex);
}

static int die_holding(void *argument)
{
	mutex_lock(lockfile_open(argument), NULL);
	raise(SIGKILL);
	return 0;
}

Test(lockfile, of_a_dead_holder_is_had_by_the_next)
{
	char path[512];
	snprintf(path, sizeof(path), "%s", scratch_path("s"));
	struct mutex *mutex = lockfile_open(path);
	cr_assert_eq(child_run(die_holding, path), -SIGKILL);
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
	struct mutex *mutex = lockfile_open(scratch_path("s"));
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
