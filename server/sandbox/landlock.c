/*
 * Numbers and structures are written out as the kernel's interface has them: the headers of the
 * system that it is built on may be older than the kernel that it runs on. What a kernel does not
 * know is left out of what is asked (its version of the interface says what it knows).
 */
#include "server/sandbox/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "server/sandbox/rights.h"

#define CREATE_RULESET_VERSION 1
#define RULE_PATH_BENEATH      1
#define RULE_PORT              2

/* Rights to files */
#define FILE_WRITE    (UINT64_C(1) << 1)
#define FILE_READ     (UINT64_C(1) << 2)
#define FOLDER_READ   (UINT64_C(1) << 3)
#define FILE_REMOVE   (UINT64_C(1) << 5)
#define FILE_MAKE     (UINT64_C(1) << 8)
#define FILE_TRUNCATE (UINT64_C(1) << 14)

#define ALL_OF_VERSION_1 ((UINT64_C(1) << 13) - 1)
#define REFER            (UINT64_C(1) << 13) /* since version 2; truncating: since 3 */
#define DEVICE_IOCTL     (UINT64_C(1) << 15) /* since version 5 */
#define TCP_ALL          UINT64_C(3)         /* since version 4: to bind and to connect */
#define TCP_CONNECT      UINT64_C(2)
#define SCOPE_ABSTRACT   UINT64_C(1) /* since version 6: abstract sockets outside */
#define SCOPE_SIGNALS    UINT64_C(2) /* likewise: signals to processes outside */

#define STORE_FOLDER \
	(FILE_WRITE | FILE_READ | FOLDER_READ | FILE_REMOVE | FILE_MAKE | FILE_TRUNCATE)

struct ruleset_attributes {
	uint64_t files, ports, scopes;
};

/* A kernel before version 4 or 6 takes the shorter structure only. */
static const size_t size_by_version[] = { 0, 8, 8, 8, 16, 16, 24 };
#define VERSION_KNOWN 6

struct path_rule {
	uint64_t rights;
	int32_t folder;
} __attribute__((packed));

struct port_rule {
	uint64_t rights;
	uint64_t port;
};

static struct ruleset_attributes attributes_of(long version, unsigned rights)
{
	struct ruleset_attributes attributes = { .files = ALL_OF_VERSION_1 };

	attributes.files |= version >= 2 ? REFER : 0;
	attributes.files |= version >= 3 ? FILE_TRUNCATE : 0;
	attributes.files |= version >= 5 ? DEVICE_IOCTL : 0;
	attributes.ports = version >= 4 ? TCP_ALL : 0;
	if (version >= 6) {
		/* The service manager's socket may be an abstract one. */
		attributes.scopes = SCOPE_SIGNALS | (rights & RIGHT_MANAGER ? 0 : SCOPE_ABSTRACT);
	}
	return attributes;
}

/* What is not there cannot be opened either. */
static void allow(int ruleset, const struct ruleset_attributes *attributes, const char *path,
		  uint64_t rights)
{
	struct path_rule rule = { .rights = rights & attributes->files };

	rule.folder = open(path, O_PATH | O_CLOEXEC);
	if (rule.folder >= 0) {
		(void)syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0);
		close(rule.folder);
	}
}

static void allow_folder_of(int ruleset, const struct ruleset_attributes *attributes,
			    const char *file, uint64_t rights)
{
	char copy[PATH_MAX];

	if (snprintf(copy, sizeof(copy), "%s", file) < (int)sizeof(copy)) {
		allow(ruleset, attributes, dirname(copy), rights);
	}
}

/*
 * Whoever replaces a file puts a new one into its folder, or into that of what it is a link to. In
 * the root folder it is this very file alone.
 */
static void allow_to_read_again(int ruleset, const struct ruleset_attributes *attributes,
				const char *file)
{
	char resolved[PATH_MAX];

	if (!realpath(file, resolved)) {
		return;
	}
	if (strrchr(resolved, '/') == resolved) {
		allow(ruleset, attributes, resolved, FILE_READ);
	} else {
		allow_folder_of(ruleset, attributes, resolved, FILE_READ);
	}
	if (strchr(file + 1, '/')) {
		allow_folder_of(ruleset, attributes, file, FILE_READ);
	}
}

/* Where the kernel knows of ports. */
static void allow_port(int ruleset, const struct ruleset_attributes *attributes, unsigned port)
{
	const struct port_rule rule = { .rights = TCP_CONNECT & attributes->ports, .port = port };

	if (rule.rights != 0 && rule.port != 0) {
		(void)syscall(SYS_landlock_add_rule, ruleset, RULE_PORT, &rule, 0);
	}
}

static void allow_database(int ruleset, const struct ruleset_attributes *attributes,
			   const struct sandbox_paths *paths)
{
	allow_port(ruleset, attributes, paths->port);
	for (size_t i = 0; i < SANDBOX_READ_MAX; i++) {
		if (paths->read[i]) {
			allow(ruleset, attributes, paths->read[i], FILE_READ);
		}
	}
}

static void allow_what_is_needed(int ruleset, const struct ruleset_attributes *attributes,
				 unsigned rights, const struct sandbox_paths *paths)
{
	allow(ruleset, attributes, "/dev/null", FILE_READ | FILE_WRITE);
	allow(ruleset, attributes, "/dev/urandom", FILE_READ);
	allow(ruleset, attributes, "/proc", FILE_READ | FOLDER_READ);
	if ((rights & RIGHT_STORE) && paths->store) {
		allow_folder_of(ruleset, attributes, paths->store, STORE_FOLDER);
	}
	if (rights & RIGHT_DATABASE) {
		allow_database(ruleset, attributes, paths);
	}
	for (size_t i = 0; (rights & RIGHT_BUS) && i < SANDBOX_PORTS_MAX; i++) {
		allow_port(ruleset, attributes, paths->bus_ports[i]);
	}
	if ((rights & RIGHT_MANAGER) && paths->pid_file) {
		allow_folder_of(ruleset, attributes, paths->pid_file, FILE_REMOVE);
	}
	for (size_t i = 0; (rights & RIGHT_RELOAD) && i < SANDBOX_READ_AGAIN; i++) {
		if (paths->read_again[i]) {
			allow_to_read_again(ruleset, attributes, paths->read_again[i]);
		}
	}
}

bool landlock_restrict(unsigned rights, const struct sandbox_paths *paths)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_RULESET_VERSION);

	if (version < 1) {
		return false;
	}
	version = version < VERSION_KNOWN ? version : VERSION_KNOWN;
	const struct ruleset_attributes attributes = attributes_of(version, rights);
	int ruleset =
		(int)syscall(SYS_landlock_create_ruleset, &attributes, size_by_version[version], 0);

	if (ruleset < 0) {
		return false;
	}
	allow_what_is_needed(ruleset, &attributes, rights, paths);
	bool restricted = syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
	int error = errno;

	close(ruleset);
	errno = error;
	return restricted;
}
