#include "db/store/beside.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db/open.h"
#include "tests/db/scratch.h"

#define OWNER 4242 /* no root */

TestSuite(beside, .init = scratch_make, .fini = scratch_remove);

static uid_t owner_of(const char *path)
{
	struct stat status;

	cr_assert_eq(stat(path, &status), 0, "%s", path);
	return status.st_uid;
}

/* As after a restore: the store is somebody else's, and nothing lies beside it. */
static void leave_the_store_alone(void)
{
	static const char *const others[] = { "s-lock", "s-keys", "s-wal", "s-shm" };

	store_close(open_store());
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		unlink(scratch_path(others[i]));
	}
	cr_assert_eq(chown(scratch_path("s"), OWNER, OWNER), 0);
}

static void expect_owner_of_all(void)
{
	DIR *folder = opendir(scratch_path("."));
	const struct dirent *entry;

	cr_assert_not_null(folder);
	while ((entry = readdir(folder))) {
		if (entry->d_name[0] == 's') {
			cr_expect_eq(owner_of(scratch_path(entry->d_name)), OWNER, "%s",
				     entry->d_name);
		}
	}
	closedir(folder);
}

static void look_as_root(const char *kind)
{
	if (geteuid() != 0) {
		cr_skip_test("only root makes files for somebody else");
	}
	scratch_use(kind);
	leave_the_store_alone();
	struct store *store = open_store();
	expect_owner_of_all();
	store_close(store);
	expect_owner_of_all();
}

Test(beside, what_root_makes_beside_a_store_is_its_owners_sqlite)
{
	look_as_root("sqlite");
}

Test(beside, what_root_makes_beside_a_store_is_its_owners_json)
{
	look_as_root("json");
}

Test(beside, a_file_with_another_name_is_not_given_away)
{
	if (geteuid() != 0) {
		cr_skip_test("only root has files to give away");
	}
	write_file(scratch_path("s"), "", 0);
	write_file(scratch_path("s-lock"), "", 0);
	cr_assert_eq(chown(scratch_path("s"), OWNER, OWNER), 0);
	cr_assert_eq(link(scratch_path("s-lock"), scratch_path("precious")), 0);
	int descriptor = open(scratch_path("s-lock"), O_RDWR | O_CLOEXEC);

	cr_expect(beside_give(descriptor, scratch_path("s")));
	cr_expect_eq(owner_of(scratch_path("precious")), 0);
	cr_assert_eq(unlink(scratch_path("precious")), 0);
	cr_expect(beside_give(descriptor, scratch_path("s")));
	cr_expect_eq(owner_of(scratch_path("s-lock")), OWNER);
	close(descriptor);
}
