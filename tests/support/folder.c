#include "tests/support/folder.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

#define OPEN_FOLDERS_MAX 8 /* while it is walked */

void folder_init(struct folder *folder)
{
	const char *parent = getenv("TMPDIR");

	if (!parent || parent[0] == '\0') {
		parent = "/tmp";
	}
	int length = snprintf(folder->path, sizeof(folder->path), "%s/turnstile-XXXXXX", parent);
	cr_assert_lt(length, (int)sizeof(folder->path));
	cr_assert_not_null(mkdtemp(folder->path), "mkdtemp %s: errno %d", folder->path, errno);
}

void folder_file(const struct folder *folder, const char *name, char *path)
{
	int length = snprintf(path, FOLDER_PATH_SIZE, "%s/%s", folder->path, name);

	cr_assert_lt(length, FOLDER_PATH_SIZE);
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
	(void)status;
	(void)kind;
	(void)place;
	return remove(path);
}

void folder_finish(struct folder *folder)
{
	if (folder->path[0] != '\0') {
		nftw(folder->path, remove_one, OPEN_FOLDERS_MAX, FTW_DEPTH | FTW_PHYS);
	}
	folder->path[0] = '\0';
}
