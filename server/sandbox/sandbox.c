#include "server/sandbox/sandbox.h"

#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "server/sandbox/filter.h"
#include "server/sandbox/landlock.h"
#include "server/sandbox/rights.h"
#include "server/sandbox/root.h"

static bool forbid_cores(void)
{
	const struct rlimit none = { 0, 0 };

	return setrlimit(RLIMIT_CORE, &none) == 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0;
}

/*
 * The store's folder for who opens it, else the empty one. The socket and the certificates of a
 * database have their names outside.
 */
static bool change_root(unsigned rights, const struct sandbox_paths *paths)
{
	char copy[PATH_MAX];

	if (!(rights & RIGHT_STORE)) {
		return root_enter(NULL);
	}
	return paths->store && !paths->database &&
	       snprintf(copy, sizeof(copy), "%s", paths->store) < (int)sizeof(copy) &&
	       root_enter(dirname(copy));
}

/* The filter comes last: it allows none of what the others need. */
unsigned sandbox_enter(enum sandbox_role role, const struct sandbox_paths *paths)
{
	unsigned rights = sandbox_rights(role);
	unsigned parts = 0;

	if (paths->database && (rights & RIGHT_STORE)) {
		rights |= RIGHT_DATABASE;
	}
	if (paths->bus_ports[0] == 0) {
		rights &= ~(unsigned)RIGHT_BUS;
	}

	parts |= prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? SANDBOX_NO_NEW_PRIVILEGES : 0;
	parts |= forbid_cores() ? SANDBOX_NOT_DUMPABLE : 0;
	parts |= landlock_restrict(rights, paths) ? SANDBOX_LANDLOCK : 0;
	parts |= role != SANDBOX_MASTER && change_root(rights, paths) ? SANDBOX_ROOT : 0;
	parts |= filter_load(rights) ? SANDBOX_FILTER : 0;
	return parts;
}

const char *sandbox_text(unsigned parts, char text[SANDBOX_TEXT_SIZE])
{
	static const struct {
		enum sandbox_part part;
		const char *name;
	} names[] = { { SANDBOX_NO_NEW_PRIVILEGES, "no-new-privs" },
		      { SANDBOX_NOT_DUMPABLE, "undumpable" },
		      { SANDBOX_FILTER, "filter" },
		      { SANDBOX_LANDLOCK, "landlock" },
		      { SANDBOX_ROOT, "root" } };
	size_t length = 0;

	(void)snprintf(text, SANDBOX_TEXT_SIZE, "off");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (parts & names[i].part) {
			length += (size_t)snprintf(text + length, SANDBOX_TEXT_SIZE - length,
						   "%s%s", length > 0 ? "," : "", names[i].name);
		}
	}
	return text;
}
