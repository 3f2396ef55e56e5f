#include "client/files/scratch_folder.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/log.h"

#define OPEN_FOLDERS_MAX 4

void scratch_folder_make(const char *name, char path[PATH_MAX])
{
	const char *parent = getenv("TMPDIR");

	if (!parent || parent[0] == '\0') {
		parent = "/tmp";
	}
	snprintf(path, PATH_MAX, "%s/%s-XXXXXX", parent, name);
	if (!mkdtemp(path)) {
		die("%s: %s", path, strerror(errno));
	}
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *where)
{
	(void)status;
	(void)kind;
	(void)where;
	return remove(path);
}

void scratch_folder_remove(const char *path)
{
	nftw(path, remove_one, OPEN_FOLDERS_MAX, FTW_DEPTH | FTW_PHYS);
}
