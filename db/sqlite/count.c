/*
 * A handle of its own. It is opened, and its snapshot begins, under the store's lock, and it is
 * closed under the lock, too. In between others write and checkpoint, but a checkpoint goes no
 * further than the snapshot, and the log cannot start anew. So a count must not last; and when the
 * log has grown meanwhile, a checkpoint follows: then the next commit starts it anew, also if the
 * next count has begun by then.
 */
#include "db/sqlite/count.h"

#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "db/sqlite/events.h"
#include "db/sqlite/statement.h"
#include "shared/base/log.h"

#define BUSY_MS     2000       /* a killed holder's file locks: see store.c */
#define LOOK_AT_ONE 1024       /* tickets between two looks whether to go on */
#define LOG_BYTES   (12 << 20) /* of the log: see what store.c leaves of it */

#define EVENTS  "SELECT " SQLITE_EVENT_COLUMNS " FROM events ORDER BY number"
#define TICKETS "SELECT event, quantity, state FROM tickets"

struct counting {
	const char *path;
	struct mutex *lock;
	sqlite3 *database;
	const struct store_count_leave *leave;
	struct tallies *tallies;
	char *error;
};

static enum store_result fail(const struct counting *counting)
{
	store_refuse(counting->error, "%s: %s", counting->path, sqlite3_errmsg(counting->database));
	return STORE_FAILED;
}

/* The snapshot begins when something is read first. */
static enum store_result begin(struct counting *counting)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
	sqlite3 **database = &counting->database;
	if (sqlite3_open_v2(counting->path, database, flags, NULL) == SQLITE_OK &&
	    sqlite3_busy_timeout(*database, BUSY_MS) == SQLITE_OK &&
	    sqlite3_db_config(*database, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL) == SQLITE_OK &&
	    sqlite3_exec(*database, "BEGIN; SELECT 1 FROM events LIMIT 1", NULL, NULL, NULL) ==
		    SQLITE_OK) {
		return STORE_OK;
	}
	return fail(counting);
}

static enum store_result begin_locked(struct counting *counting)
{
	if (mutex_lock_within(counting->lock, STORE_COUNT_LOCK_NS, NULL) != MUTEX_TAKEN) {
		return STORE_NONE;
	}
	enum store_result result = STORE_NONE;
	if (counting->leave->may_begin(counting->leave->context)) {
		result = begin(counting);
	}
	mutex_unlock(counting->lock);
	return result;
}

static bool has_grown(const struct counting *counting)
{
	char name[PATH_MAX];
	struct stat status;
	snprintf(name, sizeof(name), "%.*s-wal", PATH_MAX - 5, counting->path);
	return stat(name, &status) == 0 && status.st_size > LOG_BYTES;
}

/* The snapshot ends at once, whoever has the lock: it keeps the log from starting anew. */
static void end(const struct counting *counting)
{
	if (!counting->database) {
		return;
	}
	sqlite3_exec(counting->database, "ROLLBACK", NULL, NULL, NULL);
	if (mutex_lock_within(counting->lock, STORE_PATIENCE_NS, NULL) != MUTEX_TAKEN) {
		log_warning("%s: not closed, its lock is held by process %d", counting->path,
			    (int)mutex_owner(counting->lock, NULL));
		return;
	}
	if (has_grown(counting)) {
		(void)sqlite3_wal_checkpoint_v2(counting->database, NULL, SQLITE_CHECKPOINT_PASSIVE,
						NULL, NULL);
	}
	sqlite3_close(counting->database);
	mutex_unlock(counting->lock);
}

/* Steps through QUERY's rows; SEE says whether there was memory for one. */
static enum store_result each(const struct counting *counting, const char *query,
			      bool (*see)(struct tallies *tallies, sqlite3_stmt *row))
{
	sqlite3_stmt *rows = NULL;
	bool good = true;
	bool go_on = true;
	int step = sqlite3_prepare_v2(counting->database, query, -1, &rows, NULL);
	for (unsigned seen = 1; rows && good && go_on; seen++) {
		step = sqlite3_step(rows);
		if (step != SQLITE_ROW) {
			break;
		}
		good = see(counting->tallies, rows);
		go_on = seen % LOOK_AT_ONE != 0 ||
			counting->leave->may_go_on(counting->leave->context);
	}
	sqlite3_finalize(rows);
	if (!go_on) {
		return STORE_NONE;
	}
	if (!good) {
		store_refuse(counting->error, "%s: out of memory", counting->path);
		return STORE_FAILED;
	}
	return step == SQLITE_DONE ? STORE_OK : fail(counting);
}

static bool see_event(struct tallies *tallies, sqlite3_stmt *row)
{
	struct store_event event;
	sqlite_event_read(row, &event);
	return tallies_add_event(tallies, &event);
}

/* One of an event that is not there counts for none: `store check` tells of it. */
static bool see_ticket(struct tallies *tallies, sqlite3_stmt *row)
{
	const struct store_ticket ticket = { .event = sqlite3_column_int64(row, 0),
					     .quantity = sqlite3_column_int64(row, 1),
					     .state = (enum ticket_state)sqlite3_column_int(row,
											    2) };
	(void)tallies_add_ticket(tallies, &ticket);
	return true;
}

enum store_result sqlite_count(const char *path, struct mutex *lock,
			       const struct store_count_leave *leave, struct tallies *tallies,
			       char *error)
{
	struct counting counting = { path, lock, NULL, leave, tallies, error };
	enum store_result result = begin_locked(&counting);
	if (result == STORE_OK) {
		result = each(&counting, EVENTS, see_event);
	}
	if (result == STORE_OK) {
		result = each(&counting, TICKETS, see_ticket);
	}
	end(&counting);
	return result;
}
