#include "server/config/state_folder.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/folder.h"

static struct folder folder;

static void init(void)
{
	folder_init(&folder);
}

static void finish(void)
{
	folder_finish(&folder);
}

TestSuite(state_folder, .init = init, .fini = finish);

static bool make(const char *name, const char *user)
{
	char path[FOLDER_PATH_SIZE];

	folder_file(&folder, name, path);
	return state_folder_make(path, user);
}

static uid_t owner_of(const char *name)
{
	char path[FOLDER_PATH_SIZE];
	struct stat status;

	folder_file(&folder, name, path);
	cr_assert_eq(stat(path, &status), 0);
	cr_expect_eq(status.st_mode & 07777, 0700);
	return status.st_uid;
}

Test(state_folder, is_made_with_its_parents_and_may_be_there)
{
	cr_expect(make("a/b/c", ""));
	cr_expect(make("a/b/c", ""));
	cr_expect(make("a/b//d/", ""));
	cr_expect_eq(owner_of("a"), geteuid());
	cr_expect_eq(owner_of("a/b/c"), geteuid());
	cr_expect_eq(owner_of("a/b/d"), geteuid());
}

Test(state_folder, that_cannot_be_made_says_why)
{
	cr_expect_not(state_folder_make("/dev/null/x", ""));
	cr_expect_eq(errno, ENOTDIR);
}

Test(state_folder, belongs_to_the_user_who_will_write_in_it_and_what_was_there_does_not)
{
	const struct passwd *user = getpwnam("nobody");

	if (geteuid() != 0 || !user) {
		cr_skip_test("only root may give a folder to somebody");
	}
	const uid_t nobody = user->pw_uid;

	cr_assert(make("old", ""));
	cr_expect(make("old/a/b//c/", "nobody"));
	cr_expect_eq(owner_of("old"), 0);
	cr_expect_eq(owner_of("old/a"), nobody);
	cr_expect_eq(owner_of("old/a/b"), nobody);
	cr_expect_eq(owner_of("old/a/b/c"), nobody);
	cr_expect(make("old", "nobody"));
	cr_expect_eq(owner_of("old"), 0);
}
