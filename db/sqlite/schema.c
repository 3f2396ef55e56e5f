#include "db/sqlite/schema.h"

#include <stdio.h>

#include "db/store/kind.h"

#define APPLICATION_ID 0x7475726e /* "turn" */

/*
 * Step N takes a file of schema version N to version N + 1. What was released is not changed any
 * more: a new version is a new step at the end.
 *
 * The numbers in `state` and `kind` are store.h's. There is no index on `key`: see key_index.h. The
 * check on `events` is the last line of defence; the rules are booking.c's.
 */
static const char *const steps[] = {
	"CREATE TABLE meta ("
	"  name  TEXT PRIMARY KEY,"
	"  value BLOB NOT NULL"
	") STRICT, WITHOUT ROWID;"

	"CREATE TABLE events ("
	"  number INTEGER PRIMARY KEY,"
	"  name   TEXT NOT NULL UNIQUE,"
	"  title  TEXT NOT NULL,"
	"  total  INTEGER NOT NULL," /* tickets, as in the next two */
	"  sold   INTEGER NOT NULL,"
	"  held   INTEGER NOT NULL,"
	"  open   INTEGER NOT NULL,"
	"  CHECK (sold >= 0 AND held >= 0 AND sold + held <= total)"
	") STRICT;"

	"CREATE TABLE tickets ("
	"  number   INTEGER PRIMARY KEY,"
	"  event    INTEGER NOT NULL REFERENCES events (number),"
	"  quantity INTEGER NOT NULL,"
	"  state    INTEGER NOT NULL,"
	"  kind     INTEGER NOT NULL,"
	"  made     INTEGER NOT NULL," /* nanoseconds since 1970, as in the next */
	"  expires  INTEGER NOT NULL,"
	"  tied     INTEGER NOT NULL,"
	"  key      TEXT"
	") STRICT;"

	"CREATE INDEX holds ON tickets (expires) WHERE state = 2;"

	"CREATE TABLE batches ("
	"  server INTEGER PRIMARY KEY,"
	"  batch  INTEGER NOT NULL,"
	"  used   INTEGER NOT NULL" /* the higher, the later */
	") STRICT;",

	"CREATE INDEX ties ON tickets (tied) WHERE state = 2 AND tied > 0;",

	"CREATE TABLE rooms ("
	"  place INTEGER PRIMARY KEY,"
	"  name  TEXT NOT NULL,"
	"  topic TEXT NOT NULL"
	") STRICT;"

	"CREATE TABLE messages ("
	"  room   INTEGER NOT NULL," /* its place */
	"  number INTEGER NOT NULL,"
	"  made   INTEGER NOT NULL," /* nanoseconds since 1970 */
	"  text   TEXT NOT NULL,"
	"  PRIMARY KEY (room, number)"
	") STRICT, WITHOUT ROWID;"

	"CREATE TABLE bans ("
	"  address TEXT PRIMARY KEY,"
	"  until   INTEGER NOT NULL" /* nanoseconds since 1970 */
	") STRICT, WITHOUT ROWID;",

	"ALTER TABLE tickets ADD COLUMN salt INTEGER NOT NULL DEFAULT 0", /* of its code */

	"ALTER TABLE tickets ADD COLUMN admitted INTEGER NOT NULL DEFAULT 0", /* as `made` */
};

#define SCHEMA_VERSION ((int64_t)(sizeof(steps) / sizeof(*steps)))

const char *sqlite_schema_step(int64_t version)
{
	return version < SCHEMA_VERSION ? steps[version] : NULL;
}

static bool refuse(sqlite3 *database, const char *path, char *error)
{
	return store_refuse(error, "%s: %s", path, sqlite3_errmsg(database));
}

/* Sets NUMBER to the one number that SQL asks for. */
static bool ask(sqlite3 *database, const char *sql, int64_t *number)
{
	sqlite3_stmt *statement;
	if (sqlite3_prepare_v2(database, sql, -1, &statement, NULL) != SQLITE_OK) {
		return false;
	}
	bool there = sqlite3_step(statement) == SQLITE_ROW;
	if (there) {
		*number = sqlite3_column_int64(statement, 0);
	}
	return sqlite3_finalize(statement) == SQLITE_OK && there;
}

bool sqlite_schema_check(sqlite3 *database, const char *path, char *error)
{
	int64_t tables;
	int64_t application;
	int64_t version;
	if (!ask(database, "SELECT count(*) FROM sqlite_schema", &tables) ||
	    !ask(database, "PRAGMA application_id", &application) ||
	    !ask(database, "PRAGMA user_version", &version)) {
		return refuse(database, path, error);
	}
	if (tables == 0 && application == 0 && version == 0) {
		return true;
	}
	if (application != APPLICATION_ID) {
		return store_refuse(error, "%s: is another program's database", path);
	}
	if (version <= SCHEMA_VERSION) {
		return true;
	}
	return store_refuse(error,
			    "%s: was written by a newer version of this program (schema %lld, "
			    "this one knows up to %lld)",
			    path, (long long)version, (long long)SCHEMA_VERSION);
}

static bool take_steps(sqlite3 *database, int64_t version)
{
	char end[128];
	for (int64_t step = version; step < SCHEMA_VERSION; step++) {
		if (sqlite3_exec(database, steps[step], NULL, NULL, NULL) != SQLITE_OK) {
			return false;
		}
	}
	snprintf(end, sizeof(end), "PRAGMA application_id = %d; PRAGMA user_version = %lld",
		 APPLICATION_ID, (long long)SCHEMA_VERSION);
	return sqlite3_exec(database, end, NULL, NULL, NULL) == SQLITE_OK;
}

bool sqlite_schema_update(sqlite3 *database, const char *path, char *error)
{
	int64_t version;
	if (!ask(database, "PRAGMA user_version", &version)) {
		return refuse(database, path, error);
	}
	if (version == SCHEMA_VERSION) {
		return true;
	}
	if (sqlite3_exec(database, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK &&
	    take_steps(database, version) &&
	    sqlite3_exec(database, "COMMIT", NULL, NULL, NULL) == SQLITE_OK) {
		return true;
	}
	refuse(database, path, error);
	sqlite3_exec(database, "ROLLBACK", NULL, NULL, NULL);
	return false;
}
