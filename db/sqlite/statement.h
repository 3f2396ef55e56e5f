/*
 * sqlite_statement: an open SQLite store, and the statements that it is read and written with.
 *
 * A statement is prepared at its first use and kept. One that yielded a row must be reset before
 * its caller returns: until then it holds its reader's place in the log.
 */
#ifndef DB_SQLITE_STATEMENT_H
#define DB_SQLITE_STATEMENT_H

#include <sqlite3.h>
#include <sys/types.h>

#include "db/store/key_index.h"
#include "db/store/kind.h"

#define SQLITE_EVENT_COLUMNS "number, name, title, total, sold, held, open"

enum sqlite_query {
	QUERY_BEGIN,
	QUERY_COMMIT,
	QUERY_ROLLBACK,
	QUERY_DATA_VERSION,
	QUERY_EVENT_BY_NAME,
	QUERY_EVENT_BY_NUMBER,
	QUERY_EVENT_ALL,
	QUERY_EVENT_ADD,
	QUERY_EVENT_WRITE,
	QUERY_EVENT_COUNT,
	QUERY_TICKET_LAST,
	QUERY_TICKET_ADD,
	QUERY_TICKET_GET,
	QUERY_TICKET_CHANGE,
	QUERY_TICKET_NEXT_EXPIRY,
	QUERY_ROOM_PUT,
	QUERY_ROOM_FORGET,
	QUERY_ROOM_ALL,
	QUERY_MESSAGE_ADD,
	QUERY_MESSAGES_TRIM,
	QUERY_MESSAGE_ALL,
	QUERY_BAN_PUT,
	QUERY_BANS_OVER,
	QUERY_BAN_ALL,
	QUERY_TICKET_TIED,
	QUERY_TICKET_ALL,
	QUERY_TICKETS_WITH_KEY,
	QUERY_CODE_KEY_SET,
	QUERY_BATCH_LAST,
	QUERY_BATCH_MARK,
	QUERY_BATCH_ADD,
	QUERY_BATCH_FORGET,
	QUERIES
};

/* The files of an SQLite store that hold what was sold: they belong together. */
enum sqlite_file { SQLITE_FILE_DATABASE, SQLITE_FILE_LOG, SQLITE_FILE_LOG_INDEX, SQLITE_FILES };

struct sqlite_store {
	struct store base; /* first: the kind's functions get a pointer to it */
	sqlite3 *database;
	sqlite3_stmt *statements[QUERIES];
	struct {
		dev_t device;
		ino_t inode;
	} files[SQLITE_FILES]; /* as they were opened */
	bool waited; /* in vain, for another program's transaction: the next try is short */
	struct keyindex *keys;
	struct keyindex_reach last; /* the highest ticket, those of this transaction too */
	int64_t data_version;       /* when store_changed_elsewhere last looked */
	int log_pages;              /* of the write-ahead log, at the last commit of this handle */
	int tend_pages;             /* the next checkpoint is due when it has this many */
};

struct sqlite_store *sqlite_store_of(struct store *store);

/* The statement, reset and ready for binding; NULL when it cannot be prepared. */
sqlite3_stmt *sqlite_statement(struct sqlite_store *store, enum sqlite_query query);

/*
 * Takes one step: STORE_OK when there is a row, to be read and then reset by the caller; else
 * STORE_NONE or STORE_FAILED, and it is reset. All but STORE_OK for a NULL statement: failed.
 */
enum store_result sqlite_row(struct sqlite_store *store, sqlite3_stmt *statement);

/* Carries out a statement that yields no rows, and resets it. */
enum store_result sqlite_run(struct sqlite_store *store, sqlite3_stmt *statement);

/* What SQLite says went wrong. */
enum store_result sqlite_fail(struct sqlite_store *store);

#endif
