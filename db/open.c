#include "db/open.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "db/json/store.h"
#ifdef TURNSTILE_WITH_POSTGRES
#include "db/postgres/store.h"
#include "db/postgres/target.h"
#endif
#include "db/sqlite/store.h"
#include "db/store/holder.h"
#include "db/store/kind.h"
#include "db/store/lock_file.h"
#include "shared/base/log.h"

#define SUFFIX_ROOM 16 /* for "-lock", "-keys-new", "-journal" after the store's path */

static const struct store_kind *const kinds[] = {
	&store_sqlite,
	&store_json,
#ifdef TURNSTILE_WITH_POSTGRES
	&store_postgres,
#endif
};

#define KINDS (sizeof(kinds) / sizeof(*kinds))

#ifdef TURNSTILE_WITH_POSTGRES
#define STORE_KINDS "sqlite:FILE, json:FILE or postgresql://HOST/DATABASE"
#else
#define STORE_KINDS "sqlite:FILE or json:FILE (this build has no PostgreSQL)"
#endif

static bool names_kind(const char *url, const struct store_kind *kind)
{
	size_t length = strlen(kind->scheme);
	return strncmp(url, kind->scheme, length) == 0 && url[length] == ':';
}

static const char *file_of(const char *url, const struct store_kind *kind)
{
	return url + strlen(kind->scheme) + 1;
}

/* The kind of the store at URL, or NULL if it is no good URL. */
static const struct store_kind *kind_of(const char *url, char *error)
{
	const struct store_kind *kind = NULL;
	for (size_t i = 0; i < KINDS && !kind; i++) {
		if (names_kind(url, kinds[i])) {
			kind = kinds[i];
		}
	}
	if (!kind) {
		store_refuse(error, "no such kind of store: \"%s\": it should be " STORE_KINDS,
			     url);
		return NULL;
	}
	if (kind->is_good) {
		return kind->is_good(url, error) ? kind : NULL;
	}
	if (*file_of(url, kind) != '\0') {
		return kind;
	}
	store_refuse(error, "store \"%s\" names no file: it should be %s:FILE", url, kind->scheme);
	return NULL;
}

bool store_url_is_good(const char *url, char *error)
{
	return kind_of(url, error) != NULL;
}

bool store_is_file(const char *url)
{
	char error[STORE_ERROR_SIZE];
	const struct store_kind *kind = kind_of(url, error);
	return kind && !kind->locate;
}

bool store_reach(const char *url, struct store_reach *reach)
{
#ifdef TURNSTILE_WITH_POSTGRES
	if (!store_is_file(url)) {
		reach->port = target_port(url);
		for (unsigned i = 0; i < STORE_REACH_FILES; i++) {
			target_file(url, i, reach->files[i], PATH_MAX);
		}
		return true;
	}
#else
	(void)url;
	(void)reach;
#endif
	return false;
}

bool store_is_away(const char *url)
{
#ifdef TURNSTILE_WITH_POSTGRES
	return !store_is_file(url) && target_is_away(url);
#else
	(void)url;
	return false;
#endif
}

bool store_can_be_found(const char *url)
{
#ifdef TURNSTILE_WITH_POSTGRES
	return !store_is_file(url) && target_is_found(url);
#else
	(void)url;
	return false;
#endif
}

uint64_t store_identity(const char *url)
{
#ifdef TURNSTILE_WITH_POSTGRES
	return target_identity(url);
#else
	(void)url;
	return 0;
#endif
}

void store_expect(const char *url, uint64_t identity)
{
#ifdef TURNSTILE_WITH_POSTGRES
	target_set_identity(url, identity);
#else
	(void)url;
	(void)identity;
#endif
}

const char *store_file_of(const char *url)
{
	return strchr(url, ':') + 1;
}

static bool is_there(const char *path)
{
	struct stat status;
	return stat(path, &status) == 0 && status.st_size > 0;
}

bool store_is_there(const char *url)
{
	char error[STORE_ERROR_SIZE];
	const struct store_kind *kind = kind_of(url, error);
	if (kind && kind->is_there) {
		return kind->is_there(url);
	}
	return kind && is_there(file_of(url, kind));
}

/* The path of a file that is not there yet, in a folder that is. */
static bool resolve_new(const char *file, char *path)
{
	char folder[PATH_MAX];
	struct stat status;
	const char *slash = strrchr(file, '/');
	const char *name = slash ? slash + 1 : file;
	int length = slash ? (int)(slash - file) + 1 : 1;
	snprintf(folder, sizeof(folder), "%.*s", length, slash ? file : ".");
	if (lstat(file, &status) == 0) { /* a link that leads nowhere */
		errno = ENOENT;
		return false;
	}
	if (!realpath(folder, path)) {
		return false;
	}
	size_t used = strlen(path);
	snprintf(path + used, PATH_MAX - used, "%s%s", used > 1 ? "/" : "", name);
	return true;
}

/* The name that the store's file has in this process's root; "": the root is everybody's. */
static char name_in_root[PATH_MAX];

void store_is_in_root(const char *file)
{
	const char *slash = strrchr(file, '/');
	snprintf(name_in_root, sizeof(name_in_root), "/%s", slash ? slash + 1 : file);
	lockfile_renamed(file, name_in_root);
}

/*
 * Sets PATH to the one name of FILE, however it was reached: names that mean the same store must
 * lead to the same lock file.
 */
static bool resolve(const char *file, char *path, char *error)
{
	file = name_in_root[0] != '\0' ? name_in_root : file;
	if (strlen(file) >= PATH_MAX - SUFFIX_ROOM) {
		errno = ENAMETOOLONG;
	} else if ((realpath(file, path) || (errno == ENOENT && resolve_new(file, path))) &&
		   strlen(path) < PATH_MAX - SUFFIX_ROOM) {
		return true;
	}
	return store_refuse(error, "%s: %s", file, strerror(errno));
}

/* How a store is opened. */
struct way {
	bool make; /* where there is none */
	int64_t patience_ns;
};

/* Where the locks of stores lie that are no files. */
static char locks_folder[PATH_MAX];

void store_lock_in(const char *folder)
{
	snprintf(locks_folder, sizeof(locks_folder), "%s", folder);
}

/* Who did not say: where this user's files lie until the next boot. */
static const char *folder_of_locks(void)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	if (locks_folder[0] != '\0') {
		return locks_folder;
	}
	return runtime && *runtime ? runtime : "/tmp";
}

/* Sets PATH to the name beside which the store's lock lies. */
static bool locate(const struct store_kind *kind, const char *url, char *path, char *error)
{
	return kind->locate ? kind->locate(url, folder_of_locks(), path, error)
			    : resolve(file_of(url, kind), path, error);
}

struct mutex *store_lock(const char *url, char *error)
{
	char path[PATH_MAX];
	const struct store_kind *kind = kind_of(url, error);
	if (!kind || !kind->locate || !kind->locate(url, folder_of_locks(), path, error)) {
		return NULL;
	}
	return lockfile_open(path, error);
}

static struct store *open_under_lock(const struct store_kind *kind, const char *path,
				     struct mutex *mutex, const struct way *way, char *error)
{
	enum mutex_result result = mutex_lock_within(mutex, way->patience_ns, NULL);
	if (result == MUTEX_DEADLOCK) {
		bug("a store is opened by a thread that holds its lock");
	}
	if (result == MUTEX_BUSY) {
		(void)store_held(mutex, path, error);
		return NULL;
	}
	struct store *store = kind->open(path, way->make, error);
	mutex_unlock(mutex);
	return store;
}

/* It is opened without the lock: nobody shall wait for a network with it. */
static struct store *open_database(const struct store_kind *kind, const char *url,
				   const struct way *way, char *error)
{
	char path[PATH_MAX];
	struct store *store = kind->open(url, way->make, error);
	if (!store) {
		return NULL;
	}
	store->kind = kind;
	store->mutex = locate(kind, url, path, error) ? lockfile_open(path, error) : NULL;
	if (store->mutex) {
		return store;
	}
	kind->close(store);
	return NULL;
}

static struct store *open_store(const char *url, const struct way *way, char *error)
{
	char path[PATH_MAX];
	const struct store_kind *kind = kind_of(url, error);
	if (kind && kind->locate) {
		return open_database(kind, url, way, error);
	}
	if (!kind || !resolve(file_of(url, kind), path, error)) {
		return NULL;
	}
	if (!way->make && !is_there(path)) {
		store_refuse(error, "%s is gone: stop the server, and put the store back", path);
		return NULL;
	}
	struct mutex *mutex = lockfile_open(path, error);
	if (!mutex) {
		return NULL;
	}
	struct store *store = open_under_lock(kind, path, mutex, way, error);
	if (!store) {
		return NULL;
	}
	store->kind = kind;
	store->mutex = mutex;
	return store;
}

enum store_result store_count(const char *url, const struct store_count_leave *leave,
			      struct tallies *tallies, char *error)
{
	char path[PATH_MAX];
	const struct store_kind *kind = kind_of(url, error);
	struct mutex *mutex = NULL;
	if (kind && locate(kind, url, path, error)) {
		mutex = lockfile_open(path, error);
	}
	return mutex ? kind->count(kind->locate ? url : path, mutex, leave, tallies, error)
		     : STORE_FAILED;
}

struct store *store_open(const char *url, char *error)
{
	const struct way way = { .make = true, .patience_ns = STORE_PATIENCE_NS };
	return open_store(url, &way, error);
}

struct store *store_open_made(const char *url, int64_t patience_ns, char *error)
{
	const struct way way = { .make = false, .patience_ns = patience_ns };
	return open_store(url, &way, error);
}
