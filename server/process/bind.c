#include "server/process/bind.h"

#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "db/open.h"
#include "shared/base/log.h"

static void warn_of_missing(unsigned parts)
{
	const unsigned all = SANDBOX_NO_NEW_PRIVILEGES | SANDBOX_NOT_DUMPABLE | SANDBOX_FILTER |
			     SANDBOX_LANDLOCK;
	char text[SANDBOX_TEXT_SIZE];

	if (parts != all) {
		log_warning("the sandbox goes without %s: this kernel, container or build has none",
			    sandbox_text(all & ~parts, text));
	}
}

static const char *named(const char *path)
{
	return *path ? path : NULL;
}

_Static_assert(SANDBOX_READ_MAX == STORE_REACH_FILES, "all that connecting reads can be read");
_Static_assert(SANDBOX_PORTS_MAX == OPTIONS_BUS_SERVERS_MAX, "each server can be reached");

/* A file in FOLDER, whatever its name: what counts is the folder. */
static const char *name_in(const char *folder, char name[PATH_MAX])
{
	(void)snprintf(name, PATH_MAX, "%s/store", folder);
	return name;
}

unsigned bind_to_role(enum sandbox_role role, const struct options *options)
{
	char resolved[PATH_MAX];
	char lock[PATH_MAX];
	struct store_reach reach = { .port = 0 };
	const bool database = store_reach(options->store, &reach);
	const char *store =
		database ? name_in(options->state, lock) : store_file_of(options->store);

	/* The file may be a link into another folder. */
	store = realpath(store, resolved) ? resolved : store;
	struct sandbox_paths paths = {
		.store = store,
		.pid_file = named(options->pid_file),
		.database = database,
		.port = reach.port,
		.read_again = { named(options->config), named(options->operator_password_file),
				named(options->tls_certificate), named(options->tls_key) }
	};
	for (size_t i = 0; i < SANDBOX_READ_MAX; i++) {
		paths.read[i] = named(reach.files[i]);
	}
	for (size_t i = 0; i < options->bus_server_count; i++) {
		paths.bus_ports[i] = options->bus_servers[i].port;
	}
	unsigned parts = options->sandbox ? sandbox_enter(role, &paths) : 0;
	char text[SANDBOX_TEXT_SIZE];

	if (parts & SANDBOX_ROOT) {
		store_is_in_root(store);
	}
	if (role == SANDBOX_MASTER && options->sandbox) {
		warn_of_missing(parts);
	}
	log_debug("sandbox: %s", sandbox_text(parts, text));
	return parts;
}
