#include "server/config/state_folder.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Sets KEPT to the length of the part that was there; all that is longer was made here. */
static bool make_parts(char *path, size_t *kept)
{
	bool any_made = false;

	*kept = 0;
	for (char *slash = path; slash;) {
		slash = strchr(slash + 1, '/');
		if (slash) {
			*slash = '\0';
		}
		bool made = mkdir(path, 0700) == 0;

		if (!made && errno != EEXIST) {
			return false;
		}
		any_made = any_made || made;
		if (!any_made) {
			*kept = strlen(path);
		}
		if (slash) {
			*slash = '/';
		}
	}
	return true;
}

/* From the innermost out: nobody can swap a folder while its parent is still root's. */
static bool give_parts(char *path, size_t kept, const char *user)
{
	const struct passwd *owner = getpwnam(user);
	char *end = path + strlen(path);

	if (!owner) {
		errno = ENOENT;
		return false;
	}
	while (end && (size_t)(end - path) > kept) {
		*end = '\0';
		if (lchown(path, owner->pw_uid, owner->pw_gid) != 0) {
			return false;
		}
		end = strrchr(path, '/');
	}
	return true;
}

bool state_folder_make(const char *path, const char *user)
{
	char parts[PATH_MAX];
	size_t kept;

	if (snprintf(parts, sizeof(parts), "%s", path) >= (int)sizeof(parts)) {
		errno = ENAMETOOLONG;
		return false;
	}
	return make_parts(parts, &kept) &&
	       (*user == '\0' || geteuid() != 0 || give_parts(parts, kept, user));
}
