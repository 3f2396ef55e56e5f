/*
 * sqlite_schema: the tables of the SQLite store, and how an older file is brought to them.
 *
 * The file names its program (PRAGMA application_id) and the version of its schema
 * (PRAGMA user_version). Called once at open, under the store's lock.
 */
#ifndef DB_SQLITE_SCHEMA_H
#define DB_SQLITE_SCHEMA_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Looks whether the open database is ours or empty; it writes nothing. ERROR (STORE_ERROR_SIZE
 * bytes) says why not, naming PATH.
 */
bool sqlite_schema_check(sqlite3 *database, const char *path, char *error);

/* Makes the tables that are missing, all in one transaction. */
bool sqlite_schema_update(sqlite3 *database, const char *path, char *error);

/* The SQL that takes a file of VERSION (0: an empty one) to the next; NULL for the newest. */
const char *sqlite_schema_step(int64_t version);

#endif
