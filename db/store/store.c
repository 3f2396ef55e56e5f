#include "db/store/kind.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "db/store/lock_file.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"

/* How long opening and closing wait for the lock. A holder is through in milliseconds. */
#define PATIENCE_NS (10 * NS_PER_SECOND)

#define SUFFIX_ROOM 16 /* for "-lock", "-keys-new", "-journal" after the store's path */

#define KINDS 2

static const struct store_kind *const kinds[KINDS] = { &store_sqlite, &store_json };

enum store_result store_fail(struct store *store, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(store->error, sizeof store->error, format, arguments);
	va_end(arguments);
	return STORE_FAILED;
}

bool store_refuse(char *error, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(error, STORE_ERROR_SIZE, format, arguments);
	va_end(arguments);
	return false;
}

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
		store_refuse(error,
			     "no such kind of store: \"%s\": it should be sqlite:FILE or json:FILE",
			     url);
		return NULL;
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

bool store_is_there(const char *url)
{
	char error[STORE_ERROR_SIZE];
	struct stat status;
	const struct store_kind *kind = kind_of(url, error);
	return kind && stat(file_of(url, kind), &status) == 0 && status.st_size > 0;
}

/* The path of a file that is not there yet, in a folder that is. */
static bool resolve_new(const char *file, char *path)
{
	char folder[PATH_MAX];
	struct stat status;
	const char *slash = strrchr(file, '/');
	const char *name = slash ? slash + 1 : file;
	int length = slash ? (int)(slash - file) + 1 : 1;
	snprintf(folder, sizeof folder, "%.*s", length, slash ? file : ".");
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

/*
 * Sets PATH to the one name of FILE, however it was reached: names that mean the same store must
 * lead to the same lock file.
 */
static bool resolve(const char *file, char *path, char *error)
{
	if (strlen(file) >= PATH_MAX - SUFFIX_ROOM) {
		errno = ENAMETOOLONG;
	} else if ((realpath(file, path) || (errno == ENOENT && resolve_new(file, path))) &&
		   strlen(path) < PATH_MAX - SUFFIX_ROOM) {
		return true;
	}
	return store_refuse(error, "%s: %s", file, strerror(errno));
}

static struct mutex *open_lock(const char *path, char *error)
{
	struct mutex *mutex = lockfile_open(path);
	if (mutex) {
		return mutex;
	}
	if (errno == EPROTO) {
		store_refuse(error,
			     "%s-lock is of another version of this program: stop all that use the "
			     "store, then delete it",
			     path);
	} else {
		store_refuse(error, "%s-lock: %s", path, strerror(errno));
	}
	return NULL;
}

static struct store *open_under_lock(const struct store_kind *kind, const char *path,
				     struct mutex *mutex, char *error)
{
	enum mutex_result result = mutex_lock_within(mutex, PATIENCE_NS, NULL);
	if (result == MUTEX_DEADLOCK) {
		bug("a store is opened by a thread that holds its lock");
	}
	if (result == MUTEX_BUSY) {
		store_refuse(error, "%s: its lock is held by process %d", path,
			     (int)mutex_owner(mutex, NULL));
		return NULL;
	}
	struct store *store = kind->open(path, error);
	mutex_unlock(mutex);
	return store;
}

struct store *store_open(const char *url, char *error)
{
	char path[PATH_MAX];
	const struct store_kind *kind = kind_of(url, error);
	if (!kind || !resolve(file_of(url, kind), path, error)) {
		return NULL;
	}
	struct mutex *mutex = open_lock(path, error);
	if (!mutex) {
		return NULL;
	}
	struct store *store = open_under_lock(kind, path, mutex, error);
	if (!store) {
		return NULL;
	}
	store->kind = kind;
	store->mutex = mutex;
	return store;
}

/* Without the lock a handle is not closed: closing may checkpoint. The process's end does not. */
void store_close(struct store *store)
{
	if (!store) {
		return;
	}
	if (!store->taken && !store_take(store, PATIENCE_NS)) {
		log_warning("%s: not closed, its lock is held by process %d", store->path,
			    (int)mutex_owner(store->mutex, NULL));
		return;
	}
	struct mutex *mutex = store->mutex;
	store_rollback(store);
	store->kind->close(store);
	mutex_unlock(mutex);
}

struct mutex *store_mutex(struct store *store)
{
	return store->mutex;
}

/*
 * There is nothing to repair when the last holder died: what it had not committed is not in the
 * store, and store_begin looks at the rest anyway.
 */
bool store_take(struct store *store, int64_t timeout_ns)
{
	switch (mutex_lock_within(store->mutex, timeout_ns, NULL)) {
	case MUTEX_TAKEN: store->taken = true; return true;
	case MUTEX_BUSY: return false;
	case MUTEX_DEADLOCK: break;
	}
	bug("%s: the lock is taken twice", store->path);
}

void store_give(struct store *store)
{
	if (store->within) {
		bug("%s: the lock is given back within a transaction", store->path);
	}
	store->taken = false;
	mutex_unlock(store->mutex);
}

static void must_be_taken(const struct store *store)
{
	if (!store->taken) {
		bug("%s: used without its lock", store->path);
	}
}

static void must_be_within(const struct store *store)
{
	if (!store->within) {
		bug("%s: used outside a transaction", store->path);
	}
}

/* Notes a failure: what comes after it must not be taken for the truth. */
static enum store_result noted(struct store *store, enum store_result result)
{
	store->broken |= result == STORE_FAILED;
	return result;
}

enum store_result store_begin(struct store *store)
{
	must_be_taken(store);
	if (store->within) {
		bug("%s: a transaction within a transaction", store->path);
	}
	if (store->broken) {
		return STORE_FAILED;
	}
	enum store_result result = store->kind->begin(store);
	store->within = result == STORE_OK;
	return result;
}

enum store_result store_commit(struct store *store)
{
	must_be_within(store);
	if (store->broken) {
		store_rollback(store);
		return STORE_FAILED;
	}
	store->within = false;
	return noted(store, store->kind->commit(store));
}

void store_rollback(struct store *store)
{
	if (store->within) {
		store->kind->rollback(store);
	}
	store->within = false;
}

enum store_result store_tend(struct store *store)
{
	must_be_taken(store);
	if (store->within) {
		bug("%s: tended within a transaction", store->path);
	}
	return store->broken ? STORE_FAILED : noted(store, store->kind->tend(store));
}

const char *store_error(const struct store *store)
{
	return store->error;
}

const struct siphash_key *store_code_key(const struct store *store)
{
	return &store->code_key;
}

enum store_result store_set_code_key(struct store *store, const struct siphash_key *key)
{
	must_be_taken(store);
	if (store->within) {
		bug("%s: its key is set within a transaction", store->path);
	}
	if (store->broken) {
		return STORE_FAILED;
	}
	return noted(store, store->kind->set_code_key(store, key));
}

enum store_result store_event_find(struct store *store, const char *name,
				   struct store_event **event)
{
	must_be_within(store);
	return noted(store, store->kind->event_find(store, name, event));
}

enum store_result store_event_get(struct store *store, int64_t number, struct store_event **event)
{
	must_be_within(store);
	return noted(store, store->kind->event_get(store, number, event));
}

void store_event_change(struct store *store, struct store_event *event)
{
	must_be_within(store);
	store->kind->event_change(store, event);
}

enum store_result store_event_add(struct store *store, struct store_event *event)
{
	must_be_within(store);
	return noted(store, store->kind->event_add(store, event));
}

enum store_result store_event_each(struct store *store,
				   void (*see)(void *context, const struct store_event *event),
				   void *context)
{
	must_be_taken(store);
	return noted(store, store->kind->event_each(store, see, context));
}

void store_events_changed(const struct store *store,
			  void (*see)(void *context, const struct store_event *event),
			  void *context)
{
	store->kind->events_changed(store, see, context);
}

bool store_changed_elsewhere(struct store *store)
{
	must_be_taken(store);
	return store->kind->changed_elsewhere(store);
}

enum store_result store_ticket_add(struct store *store, struct store_ticket *ticket)
{
	must_be_within(store);
	return noted(store, store->kind->ticket_add(store, ticket));
}

enum store_result store_ticket_get(struct store *store, int64_t number, struct store_ticket *ticket)
{
	must_be_within(store);
	return noted(store, store->kind->ticket_get(store, number, ticket));
}

enum store_result store_ticket_by_key(struct store *store, const char *key,
				      struct store_ticket *ticket)
{
	must_be_within(store);
	return noted(store, store->kind->ticket_by_key(store, key, ticket));
}

enum store_result store_ticket_change(struct store *store, const struct store_ticket *ticket)
{
	must_be_within(store);
	return noted(store, store->kind->ticket_change(store, ticket));
}

enum store_result store_ticket_next_expiry(struct store *store, struct store_ticket *ticket)
{
	must_be_within(store);
	return noted(store, store->kind->ticket_next_expiry(store, ticket));
}

enum store_result store_ticket_tied(struct store *store, uint64_t least, uint64_t most,
				    struct store_ticket *ticket)
{
	must_be_within(store);
	return noted(store, store->kind->ticket_tied(store, least, most, ticket));
}

enum store_result store_ticket_each(struct store *store,
				    void (*see)(void *context, const struct store_ticket *ticket),
				    void *context)
{
	return noted(store, store->kind->ticket_each(store, see, context));
}

bool store_serve(struct store *store)
{
	must_be_taken(store);
	return lockfile_serve(store->path);
}

enum store_result store_event_count(struct store *store, int64_t event, int64_t *sold,
				    int64_t *held)
{
	must_be_within(store);
	return noted(store, store->kind->event_count(store, event, sold, held));
}

enum store_result store_room_put(struct store *store, const struct store_room *room, bool fresh)
{
	must_be_within(store);
	return noted(store, store->kind->room_put(store, room, fresh));
}

enum store_result store_message_add(struct store *store, const struct store_message *message)
{
	must_be_within(store);
	return noted(store, store->kind->message_add(store, message));
}

enum store_result store_messages_trim(struct store *store, uint32_t room, unsigned keep)
{
	must_be_within(store);
	return noted(store, store->kind->messages_trim(store, room, keep));
}

enum store_result store_ban_put(struct store *store, const struct store_ban *ban, int64_t wall_ns)
{
	must_be_within(store);
	return noted(store, store->kind->ban_put(store, ban, wall_ns));
}

enum store_result store_room_each(struct store *store,
				  void (*see)(void *context, const struct store_room *room),
				  void *context)
{
	must_be_taken(store);
	return noted(store, store->kind->room_each(store, see, context));
}

enum store_result store_message_each(struct store *store,
				     void (*see)(void *context,
						 const struct store_message *message),
				     void *context)
{
	must_be_taken(store);
	return noted(store, store->kind->message_each(store, see, context));
}

enum store_result store_ban_each(struct store *store,
				 void (*see)(void *context, const struct store_ban *ban),
				 void *context)
{
	must_be_taken(store);
	return noted(store, store->kind->ban_each(store, see, context));
}

enum store_result store_batch_last(struct store *store, int64_t server, int64_t *batch)
{
	must_be_taken(store);
	return noted(store, store->kind->batch_last(store, server, batch));
}

enum store_result store_batch_mark(struct store *store, int64_t server, int64_t batch)
{
	must_be_within(store);
	return noted(store, store->kind->batch_mark(store, server, batch));
}
