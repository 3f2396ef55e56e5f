#include "db/store/store.h"

#include "db/store/holder.h"
#include "db/store/kind.h"
#include "db/store/lock_file.h"
#include "shared/base/log.h"

/* Without the lock a handle is not closed: closing may checkpoint. The process's end does not. */
void store_close(struct store *store)
{
	if (!store) {
		return;
	}
	if (!store->taken && !store_take(store, STORE_CLOSE_PATIENCE_NS)) {
		log_warning("not closed: %s", store->error);
		return;
	}
	struct mutex *mutex = store->mutex;
	store_rollback(store);
	event_cache_finish(&store->events);
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
	enum mutex_result result = mutex_lock_within(store->mutex, timeout_ns, NULL);
	store->hindrance = result == MUTEX_BUSY ? STORE_HELD : STORE_FREE;
	switch (result) {
	case MUTEX_TAKEN: store->taken = true; return true;
	case MUTEX_BUSY: (void)store_held(store->mutex, store->path, store->error); return false;
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

bool store_asks_needs(const struct store *store)
{
	return store->kind->foresee;
}

void store_foresee(struct store *store, const struct store_needs *needs)
{
	store_must_be_taken(store);
	if (store->kind->foresee) {
		store->kind->foresee(store, needs);
	}
}

enum store_result store_begin(struct store *store)
{
	store_must_be_taken(store);
	if (store->within) {
		bug("%s: a transaction within a transaction", store->path);
	}
	if (store->broken) {
		return STORE_FAILED;
	}
	event_cache_empty(&store->events);
	store->changed = false;
	store->hindrance = STORE_FREE;
	enum store_result result = store->kind->begin(store);
	store->within = result == STORE_OK;
	return result;
}

/* Who opens the store by another lock file now holds another lock. */
static bool is_locked_for_all(struct store *store)
{
	if (lockfile_is_the_one(store->mutex)) {
		return true;
	}
	(void)store_noted(
		store, store_fail(store, "%s-lock is another file now: stop all that use the store",
				  store->path));
	return false;
}

enum store_result store_commit(struct store *store)
{
	store_must_be_within(store);
	if (store->broken || store_write_events(store) != STORE_OK || !is_locked_for_all(store)) {
		store_rollback(store);
		return STORE_FAILED;
	}
	store->within = false;
	if (store->kind->commit(store) == STORE_OK) {
		return STORE_OK;
	}
	event_cache_empty(&store->events);
	return store_noted(store, STORE_FAILED);
}

bool store_has_changes(const struct store *store)
{
	store_must_be_within(store);
	return store->changed;
}

enum store_hindrance store_hindrance(const struct store *store)
{
	return store->hindrance;
}

bool store_is_pressed(const struct store *store)
{
	return store->kind->is_pressed && store->kind->is_pressed(store);
}

bool store_is_in_place(struct store *store)
{
	return !store->kind->check_files || store->kind->check_files(store) == STORE_OK;
}

bool store_is_unclear(const struct store *store)
{
	return store->unclear;
}

void store_rollback(struct store *store)
{
	if (store->within) {
		event_cache_empty(&store->events);
		if (store->kind->rollback) {
			store->kind->rollback(store);
		}
	}
	store->within = false;
}

enum store_result store_tend(struct store *store)
{
	store_must_be_taken(store);
	if (store->within) {
		bug("%s: tended within a transaction", store->path);
	}
	if (store->broken || !store->kind->tend) {
		return store->broken ? STORE_FAILED : STORE_OK;
	}
	return store_noted(store, store->kind->tend(store));
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
	store_must_be_taken(store);
	if (store->within) {
		bug("%s: its key is set within a transaction", store->path);
	}
	if (store->broken) {
		return STORE_FAILED;
	}
	return store_noted(store, store->kind->set_code_key(store, key));
}

bool store_serve(struct store *store, uint32_t server)
{
	store_must_be_taken(store);
	return store->kind->serve ? store->kind->serve(store, server)
				  : lockfile_serve(store->path, server);
}

enum store_result store_renew(struct store *store, uint32_t server)
{
	store_must_be_taken(store);
	if (store->broken || !store->kind->renew) {
		return store->broken ? STORE_FAILED : STORE_OK;
	}
	return store_noted(store, store->kind->renew(store, server));
}

bool store_is_served_by(struct store *store, uint32_t server)
{
	return store->kind->is_served_by ? store->kind->is_served_by(store, server)
					 : lockfile_is_served_by(store->mutex, server);
}

uint64_t store_servers(struct store *store)
{
	return store->kind->servers ? store->kind->servers(store) : lockfile_servers(store->mutex);
}

int64_t store_wall_ns(const struct store *store, int64_t local_ns)
{
	store_must_be_within(store);
	return store->kind->wall_ns ? store->kind->wall_ns(store) : local_ns;
}

bool store_tells(const struct store *store)
{
	return store->kind->heard;
}

bool store_was_told(struct store *store)
{
	return store->kind->heard && store->kind->heard(store);
}

bool store_changed_elsewhere(struct store *store)
{
	store_must_be_taken(store);
	return store->kind->changed_elsewhere(store);
}
