/*
 * SQLite before 3.51.3 can damage a database in WAL mode when two connections write and checkpoint
 * at the same moment. So everything here that writes, recovers or checkpoints happens under the
 * store's lock, opening and closing too; the automatic checkpoint is off, and the lock's holder
 * does it in tend().
 *
 * The busy timeout is for a holder that was killed: its successor gets our lock before the kernel
 * gave back the dead one's file locks. And for people who look into the file with other tools.
 */
#include "db/sqlite/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db/sqlite/chat.h"
#include "db/sqlite/count.h"
#include "db/sqlite/events.h"
#include "db/sqlite/schema.h"
#include "db/sqlite/statement.h"
#include "db/sqlite/tickets.h"
#include "db/store/lock_file.h"
#include "shared/base/log.h"

#define BUSY_MS         1500
#define BUSY_AGAIN_MS   100 /* once that was in vain */
#define BUSY_READERS_MS 100 /* sales stand still meanwhile */
#define PAGE_BYTES      4096
#define MIB_PAGES       ((1 << 20) / PAGE_BYTES)

#define TEND_PAGES     (4 * MIB_PAGES)  /* checkpoint as far as readers let us */
#define RESTART_PAGES  (32 * MIB_PAGES) /* wait for the readers, and start the log anew */
#define RESTART_EVERY  (4 * MIB_PAGES)  /* and again after so many more */
#define FULL_PAGES     (56 * MIB_PAGES) /* then nothing more is written: it stays below 64 MiB */
#define LOG_LEFT_BYTES "8388608"        /* of the log's file, when it starts anew */

static enum store_result run_query(struct sqlite_store *store, enum sqlite_query query)
{
	return sqlite_run(store, sqlite_statement(store, query));
}

/* A failed statement may have ended the transaction already: then there is nothing to do. */
static void rollback(struct store *base)
{
	struct sqlite_store *store = sqlite_store_of(base);
	if (!sqlite3_get_autocommit(store->database)) {
		sqlite3_step(sqlite_statement(store, QUERY_ROLLBACK));
	}
	sqlite3_reset(sqlite_statement(store, QUERY_ROLLBACK));
}

/* Somebody else is writing, with some other tool: nothing of ours is wrong. */
static enum store_result note_busy(struct sqlite_store *store)
{
	if (!store->waited) {
		sqlite3_busy_timeout(store->database, BUSY_AGAIN_MS);
		store->waited = true;
	}
	store->base.hindrance = STORE_WRITTEN;
	return store_fail(&store->base, "another program is writing to %s", store->base.path);
}

static enum store_result begin_to_write(struct sqlite_store *store)
{
	if (run_query(store, QUERY_BEGIN) != STORE_OK) {
		bool busy = (sqlite3_errcode(store->database) & 0xff) == SQLITE_BUSY;
		return busy ? note_busy(store) : STORE_FAILED;
	}
	if (store->waited) {
		sqlite3_busy_timeout(store->database, BUSY_MS);
		store->waited = false;
	}
	return STORE_OK;
}

static bool stat_file(const struct sqlite_store *store, enum sqlite_file file, char *name,
		      struct stat *status)
{
	static const char *const suffixes[SQLITE_FILES] = { "", "-wal", "-shm" };
	snprintf(name, PATH_MAX, "%.*s%s", PATH_MAX - 5, store->base.path, suffixes[file]);
	return stat(name, status) == 0;
}

/*
 * What is written into a file that has no name any more is lost with the last who has it open; and
 * who opens a new one by that name knows nothing of what is in the old.
 */
static enum store_result check_files(struct store *base)
{
	const struct sqlite_store *store = sqlite_store_of(base);
	char name[PATH_MAX];
	struct stat now;
	for (enum sqlite_file file = 0; file < SQLITE_FILES; file++) {
		if (!stat_file(store, file, name, &now) ||
		    now.st_dev != store->files[file].device ||
		    now.st_ino != store->files[file].inode) {
			return store_fail(
				base, "%s is gone, or another: stop all that use the store", name);
		}
	}
	return STORE_OK;
}

/*
 * What makes a commit of the frames in the log is written last. Whatever fails later (a sync, the
 * log's index) leaves a whole one there: recovery takes it, if nothing was written over it before.
 */
static bool failed_before_its_end(const struct sqlite_store *store)
{
	int problem = sqlite3_extended_errcode(store->database);
	return problem == SQLITE_FULL || problem == SQLITE_IOERR_WRITE ||
	       (problem & 0xff) == SQLITE_BUSY;
}

static enum store_result commit(struct store *base)
{
	struct sqlite_store *store = sqlite_store_of(base);
	if (check_files(base) != STORE_OK) {
		rollback(base);
		return STORE_FAILED;
	}
	if (run_query(store, QUERY_COMMIT) != STORE_OK) {
		base->unclear = !failed_before_its_end(store);
		rollback(base);
		return STORE_FAILED;
	}
	keyindex_set_covered(store->keys, store->last);
	return STORE_OK;
}

/* Called by SQLite at each commit of this handle. */
static int note_log_pages(void *context, sqlite3 *database, const char *name, int pages)
{
	(void)database;
	(void)name;
	struct sqlite_store *store = context;
	if (pages < store->log_pages) {
		store->tend_pages = TEND_PAGES; /* it started anew */
	}
	store->log_pages = pages;
	return SQLITE_OK;
}

/*
 * Takes what is in the log to the database, as far as readers allow without waiting for them. When
 * that was all, and nobody reads in the log, the next commit starts it anew.
 */
static enum store_result checkpoint(struct sqlite_store *store)
{
	int result = sqlite3_wal_checkpoint_v2(store->database, NULL, SQLITE_CHECKPOINT_PASSIVE,
					       NULL, NULL);
	if (result != SQLITE_OK && result != SQLITE_BUSY) {
		return sqlite_fail(store);
	}
	store->tend_pages = store->log_pages + TEND_PAGES;
	return STORE_OK;
}

/*
 * The same, waiting a moment for the readers, so that the log can start anew. A reader that never
 * ends still keeps it from that; nothing of ours is one.
 */
static enum store_result restart_log(struct sqlite_store *store)
{
	sqlite3_busy_timeout(store->database, BUSY_READERS_MS);
	int result = sqlite3_wal_checkpoint_v2(store->database, NULL, SQLITE_CHECKPOINT_TRUNCATE,
					       NULL, NULL);
	sqlite3_busy_timeout(store->database, BUSY_MS);
	if (result == SQLITE_OK) {
		store->log_pages = 0;
		store->tend_pages = TEND_PAGES;
		return STORE_OK;
	}
	if (result != SQLITE_BUSY) {
		return sqlite_fail(store);
	}
	if (store->log_pages < FULL_PAGES) {
		log_warning("%s-wal has grown to %d MiB: some other program reads the store and "
			    "does not end; at %d MiB nothing more is sold",
			    store->base.path, store->log_pages / MIB_PAGES, FULL_PAGES / MIB_PAGES);
	}
	store->tend_pages = store->log_pages + RESTART_EVERY;
	return STORE_OK;
}

/*
 * Only a checkpoint makes the log start anew, and none can while a reader needs what is in it. By
 * the file, since each handle knows of its own commits alone, and all have to agree.
 */
static enum store_result check_log(struct sqlite_store *store)
{
	char name[PATH_MAX];
	struct stat status;
	if (!stat_file(store, SQLITE_FILE_LOG, name, &status) ||
	    status.st_size < (off_t)FULL_PAGES * PAGE_BYTES) {
		return STORE_OK;
	}
	store->log_pages = (int)(status.st_size / PAGE_BYTES);
	if (restart_log(store) != STORE_OK) {
		return STORE_FAILED;
	}
	if (store->log_pages == 0) {
		return STORE_OK;
	}
	store->base.hindrance = STORE_READ;
	return store_fail(&store->base,
			  "another program reads %s and does not end, and its log has grown to "
			  "%d MiB",
			  store->base.path, store->log_pages / MIB_PAGES);
}

static enum store_result begin(struct store *base)
{
	struct sqlite_store *store = sqlite_store_of(base);
	if (check_log(store) != STORE_OK || begin_to_write(store) != STORE_OK) {
		return STORE_FAILED;
	}
	if (sqlite_tickets_begin(store) == STORE_OK) {
		return STORE_OK;
	}
	rollback(base);
	return STORE_FAILED;
}

static enum store_result tend(struct store *base)
{
	struct sqlite_store *store = sqlite_store_of(base);
	if (store->log_pages < store->tend_pages) {
		return STORE_OK;
	}
	if (check_files(base) != STORE_OK) {
		return STORE_FAILED;
	}
	return store->log_pages < RESTART_PAGES ? checkpoint(store) : restart_log(store);
}

static bool is_pressed(const struct store *base)
{
	return ((const struct sqlite_store *)base)->log_pages >= RESTART_PAGES;
}

static bool changed_elsewhere(struct store *base)
{
	struct sqlite_store *store = sqlite_store_of(base);
	sqlite3_stmt *statement = sqlite_statement(store, QUERY_DATA_VERSION);
	if (sqlite_row(store, statement) != STORE_OK) {
		return true;
	}
	int64_t version = sqlite3_column_int64(statement, 0);
	sqlite3_reset(statement);
	bool changed = version != store->data_version;
	store->data_version = version;
	return changed;
}

static enum store_result batch_last(struct store *base, int64_t server, int64_t *batch)
{
	struct sqlite_store *store = sqlite_store_of(base);
	sqlite3_stmt *statement = sqlite_statement(store, QUERY_BATCH_LAST);
	sqlite3_bind_int64(statement, 1, server);
	*batch = 0;
	enum store_result result = sqlite_row(store, statement);
	if (result != STORE_OK) {
		return result == STORE_NONE ? STORE_OK : result;
	}
	*batch = sqlite3_column_int64(statement, 0);
	sqlite3_reset(statement);
	return STORE_OK;
}

static enum store_result write_batch(struct sqlite_store *store, enum sqlite_query query,
				     int64_t server, int64_t batch)
{
	sqlite3_stmt *statement = sqlite_statement(store, query);
	sqlite3_bind_int64(statement, 1, server);
	sqlite3_bind_int64(statement, 2, batch);
	return sqlite_run(store, statement);
}

static enum store_result batch_mark(struct store *base, int64_t server, int64_t batch)
{
	struct sqlite_store *store = sqlite_store_of(base);
	if (write_batch(store, QUERY_BATCH_MARK, server, batch) != STORE_OK) {
		return STORE_FAILED;
	}
	if (sqlite3_changes(store->database) > 0) {
		return STORE_OK;
	}
	if (write_batch(store, QUERY_BATCH_ADD, server, batch) != STORE_OK) {
		return STORE_FAILED;
	}
	return run_query(store, QUERY_BATCH_FORGET);
}

static void close_store(struct store *base)
{
	struct sqlite_store *store = sqlite_store_of(base);
	for (size_t query = 0; query < QUERIES; query++) {
		sqlite3_finalize(store->statements[query]);
	}
	sqlite3_close(store->database);
	keyindex_close(store->keys);
	free(store);
}

/* Says why the store cannot be opened. */
static bool refuse(const struct sqlite_store *store, char *error)
{
	return store_refuse(error, "%s: %s", store->base.path, sqlite3_errmsg(store->database));
}

static int note_is_wal(void *is_wal, int columns, char **values, char **names)
{
	(void)columns;
	(void)names;
	*(bool *)is_wal = values[0] && strcmp(values[0], "wal") == 0;
	return 0;
}

/* SQLite does not call it an error when the file stays in another mode. */
static bool use_log(struct sqlite_store *store, char *error)
{
	bool is_wal = false;
	if (sqlite3_exec(store->database, "PRAGMA journal_mode = WAL", note_is_wal, &is_wal,
			 NULL) != SQLITE_OK) {
		return refuse(store, error);
	}
	return is_wal || store_refuse(error, "%s: SQLite cannot keep a write-ahead log there",
				      store->base.path);
}

static bool set_up(struct sqlite_store *store, char *error)
{
	static const char settings[] =
		"PRAGMA synchronous = FULL;"
		"PRAGMA temp_store = MEMORY;" /* the sandbox knows no other folder */
		"PRAGMA wal_autocheckpoint = 0;"
		"PRAGMA journal_size_limit = " LOG_LEFT_BYTES ";"
		"PRAGMA trusted_schema = OFF";
	if (sqlite3_exec(store->database, settings, NULL, NULL, NULL) != SQLITE_OK) {
		return refuse(store, error);
	}
	sqlite3_wal_hook(store->database, note_log_pages, store);
	return true;
}

/* Who can read the file can make codes: a new one is its owner's alone. SQLite's others follow. */
static bool open_database(struct sqlite_store *store, bool make, char *error)
{
	const char *path = store->base.path;
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (make ? SQLITE_OPEN_CREATE : 0);
	bool is_new = access(path, F_OK) < 0;
	if (sqlite3_open_v2(path, &store->database, flags, NULL) != SQLITE_OK) {
		return refuse(store, error);
	}
	sqlite3_busy_timeout(store->database, BUSY_MS);
	if (sqlite3_db_readonly(store->database, "main") == 1) {
		return store_refuse(error, "%s: cannot be written", path);
	}
	if ((is_new && chmod(path, 0600) < 0) || !lockfile_mark_store(path)) {
		return store_refuse(error, "%s: %s", path, strerror(errno));
	}
	return true;
}

/* Reads the value NAME of SIZE bytes; false when it is not there. */
static bool read_meta(struct sqlite_store *store, const char *name, void *value, size_t size)
{
	sqlite3_stmt *statement;
	if (sqlite3_prepare_v2(store->database, "SELECT value FROM meta WHERE name = ?1", -1,
			       &statement, NULL) != SQLITE_OK) {
		return false;
	}
	sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
	bool there = sqlite3_step(statement) == SQLITE_ROW &&
		     sqlite3_column_bytes(statement, 0) == (int)size;
	if (there) {
		memcpy(value, sqlite3_column_blob(statement, 0), size);
	}
	sqlite3_finalize(statement);
	return there;
}

/* INSERT alone: a value that is there, but cannot be read, must never be replaced. */
static bool write_meta(struct sqlite_store *store, const char *name, const void *value, size_t size)
{
	sqlite3_stmt *statement;
	if (sqlite3_prepare_v2(store->database, "INSERT INTO meta (name, value) VALUES (?1, ?2)",
			       -1, &statement, NULL) != SQLITE_OK) {
		return false;
	}
	sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
	sqlite3_bind_blob(statement, 2, value, (int)size, SQLITE_STATIC);
	sqlite3_step(statement);
	return sqlite3_finalize(statement) == SQLITE_OK;
}

/* In one statement: a key that a ticket's code was made from is never replaced. */
static enum store_result set_code_key(struct store *base, const struct siphash_key *key)
{
	struct sqlite_store *store = sqlite_store_of(base);
	sqlite3_stmt *statement = sqlite_statement(store, QUERY_CODE_KEY_SET);
	sqlite3_bind_blob(statement, 1, key, sizeof(*key), SQLITE_STATIC);
	if (sqlite_run(store, statement) != STORE_OK) {
		return STORE_FAILED;
	}
	if (sqlite3_changes(store->database) == 0) {
		return store_fail(base, "%s: has tickets already", base->path);
	}
	base->code_key = *key;
	return STORE_OK;
}

/* A random value that is made once for a store. */
static bool keep_random(struct sqlite_store *store, const char *name, struct siphash_key *value)
{
	if (read_meta(store, name, value, sizeof(*value))) {
		return true;
	}
	siphash_key_make(value);
	return write_meta(store, name, value, sizeof(*value));
}

static bool open_keys(struct sqlite_store *store, char *error)
{
	struct siphash_key id;
	if (!keep_random(store, "store_id", &id) ||
	    !keep_random(store, "code_key", &store->base.code_key)) {
		return refuse(store, error);
	}
	store->keys = keyindex_open(store->base.path, id.words[0]);
	return store->keys || store_refuse(error, "%s-keys: %s", store->base.path, strerror(errno));
}

/*
 * A transaction that does nothing brings the index of keys up to date, unless another program is
 * writing: then the first one that can be begun does it.
 */
static bool look_through(struct sqlite_store *store, char *error)
{
	struct store *base = &store->base;
	if (begin(base) == STORE_OK) {
		rollback(base);
	} else if (base->hindrance == STORE_FREE) {
		return store_refuse(error, "%s", base->error);
	}
	changed_elsewhere(base);
	return true;
}

/* Once all of them are there, and before anybody relies on them. */
static bool note_files(struct sqlite_store *store, char *error)
{
	char name[PATH_MAX];
	struct stat status;
	for (enum sqlite_file file = 0; file < SQLITE_FILES; file++) {
		if (!stat_file(store, file, name, &status)) {
			return store_refuse(error, "%s: %s", name, strerror(errno));
		}
		store->files[file].device = status.st_dev;
		store->files[file].inode = status.st_ino;
	}
	return true;
}

/*
 * Who wrote the log may have died before it was synced, and we are about to believe it. The file is
 * opened for this alone: SQLite's own locks are on others, which closing it would take away.
 */
static bool sync_log(const char *path, char *error)
{
	char name[PATH_MAX];
	snprintf(name, sizeof(name), "%.*s-wal", PATH_MAX - 5, path);
	int log = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (log < 0) {
		return errno == ENOENT || store_refuse(error, "%s: %s", name, strerror(errno));
	}
	bool synced = fdatasync(log) == 0;
	int problem = errno;
	close(log);
	return synced || store_refuse(error, "%s: %s", name, strerror(problem));
}

static struct store *open_store(const char *path, bool make, char *error)
{
	struct sqlite_store *store = calloc(1, sizeof(*store));
	if (!store) {
		store_refuse(error, "%s: out of memory", path);
		return NULL;
	}
	snprintf(store->base.path, sizeof(store->base.path), "%s", path);
	store->tend_pages = TEND_PAGES;
	if (sync_log(path, error) && open_database(store, make, error) &&
	    sqlite_schema_check(store->database, path, error) && use_log(store, error) &&
	    set_up(store, error) && sqlite_schema_update(store->database, path, error) &&
	    open_keys(store, error) && note_files(store, error) && look_through(store, error)) {
		return &store->base;
	}
	close_store(&store->base);
	return NULL;
}

const struct store_kind store_sqlite = {
	.scheme = "sqlite",
	.open = open_store,
	.close = close_store,
	.begin = begin,
	.commit = commit,
	.rollback = rollback,
	.tend = tend,
	.changed_elsewhere = changed_elsewhere,
	.check_files = check_files,
	.is_pressed = is_pressed,
	.set_code_key = set_code_key,
	.event_by_name = sqlite_event_by_name,
	.event_by_number = sqlite_event_by_number,
	.event_add = sqlite_event_add,
	.event_write = sqlite_event_write,
	.event_each = sqlite_event_each,
	.event_count = sqlite_event_count,
	.ticket_add = sqlite_ticket_add,
	.ticket_get = sqlite_ticket_get,
	.ticket_by_key = sqlite_ticket_by_key,
	.ticket_change = sqlite_ticket_change,
	.ticket_next_expiry = sqlite_ticket_next_expiry,
	.room_put = sqlite_room_put,
	.message_add = sqlite_message_add,
	.messages_trim = sqlite_messages_trim,
	.ban_put = sqlite_ban_put,
	.room_each = sqlite_room_each,
	.message_each = sqlite_message_each,
	.ban_each = sqlite_ban_each,
	.ticket_tied = sqlite_ticket_tied,
	.ticket_each = sqlite_ticket_each,
	.count = sqlite_count,
	.batch_last = batch_last,
	.batch_mark = batch_mark,
};
