#include "db/sqlite/statement.h"

#define BATCH_SERVERS "64" /* kept in the table of batches */

#define TICKET_COLUMNS \
	"number, event, quantity, state, kind, made, expires, tied, key, salt, admitted"

/* The states are spelled as numbers where SQLite must see that the index on holds will do. */
static const char *const queries[QUERIES] = {
	[QUERY_BEGIN] = "BEGIN IMMEDIATE",
	[QUERY_COMMIT] = "COMMIT",
	[QUERY_ROLLBACK] = "ROLLBACK",
	[QUERY_DATA_VERSION] = "PRAGMA data_version",
	[QUERY_EVENT_BY_NAME] = "SELECT " SQLITE_EVENT_COLUMNS " FROM events WHERE name = ?1",
	[QUERY_EVENT_BY_NUMBER] = "SELECT " SQLITE_EVENT_COLUMNS " FROM events WHERE number = ?1",
	[QUERY_EVENT_ALL] = "SELECT " SQLITE_EVENT_COLUMNS " FROM events ORDER BY number",
	[QUERY_EVENT_ADD] = "INSERT INTO events (" SQLITE_EVENT_COLUMNS ")"
			    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	[QUERY_EVENT_WRITE] = "UPDATE events SET name = ?2, title = ?3, total = ?4, sold = ?5,"
			      " held = ?6, open = ?7 WHERE number = ?1",
	[QUERY_EVENT_COUNT] = "SELECT coalesce(sum(quantity) FILTER (WHERE state IN (1, 5)), 0),"
			      " coalesce(sum(quantity) FILTER (WHERE state = 2), 0),"
			      " coalesce(sum(quantity) FILTER (WHERE state = 5), 0)"
			      " FROM tickets WHERE event = ?1",
	[QUERY_TICKET_LAST] = "SELECT number, made FROM tickets ORDER BY number DESC LIMIT 1",
	[QUERY_TICKET_ADD] = "INSERT INTO tickets (" TICKET_COLUMNS ")"
			     " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
	[QUERY_TICKET_GET] = "SELECT " TICKET_COLUMNS " FROM tickets WHERE number = ?1",
	[QUERY_TICKET_CHANGE] =
		"UPDATE tickets SET state = ?2, expires = ?3, quantity = ?4, admitted = ?5"
		" WHERE number = ?1",
	[QUERY_TICKET_NEXT_EXPIRY] = "SELECT " TICKET_COLUMNS " FROM tickets WHERE state = 2"
				     " ORDER BY expires LIMIT 1",
	[QUERY_ROOM_PUT] = "INSERT OR REPLACE INTO rooms (place, name, topic) VALUES (?1, ?2, ?3)",
	[QUERY_ROOM_FORGET] = "DELETE FROM messages WHERE room = ?1",
	[QUERY_ROOM_ALL] = "SELECT place, name, topic FROM rooms ORDER BY place",
	[QUERY_MESSAGE_ADD] = "INSERT OR REPLACE INTO messages (room, number, made, text)"
			      " VALUES (?1, ?2, ?3, ?4)",
	[QUERY_MESSAGES_TRIM] = "DELETE FROM messages WHERE room = ?1 AND number <="
				" (SELECT number FROM messages WHERE room = ?1"
				" ORDER BY number DESC LIMIT 1 OFFSET ?2)",
	[QUERY_MESSAGE_ALL] = "SELECT room, number, made, text FROM messages ORDER BY room, number",
	[QUERY_BAN_PUT] = "INSERT OR REPLACE INTO bans (address, until) VALUES (?1, ?2)",
	[QUERY_BANS_OVER] = "DELETE FROM bans WHERE until <= ?1",
	[QUERY_BAN_ALL] = "SELECT address, until FROM bans",
	[QUERY_TICKET_TIED] = "SELECT " TICKET_COLUMNS " FROM tickets WHERE state = 2 AND tied > 0"
			      " AND tied BETWEEN ?1 AND ?2 LIMIT 1",
	[QUERY_TICKET_ALL] = "SELECT " TICKET_COLUMNS " FROM tickets ORDER BY number",
	[QUERY_TICKETS_WITH_KEY] = "SELECT number, key FROM tickets"
				   " WHERE number > ?1 AND key IS NOT NULL ORDER BY number",
	[QUERY_CODE_KEY_SET] = "UPDATE meta SET value = ?1 WHERE name = 'code_key'"
			       " AND NOT EXISTS (SELECT 1 FROM tickets)",
	[QUERY_BATCH_LAST] = "SELECT batch FROM batches WHERE server = ?1",
	[QUERY_BATCH_MARK] = "UPDATE batches SET batch = ?2,"
			     " used = (SELECT max(used) + 1 FROM batches) WHERE server = ?1",
	[QUERY_BATCH_ADD] = "INSERT INTO batches (server, batch, used)"
			    " VALUES (?1, ?2, (SELECT coalesce(max(used), 0) + 1 FROM batches))",
	[QUERY_BATCH_FORGET] = "DELETE FROM batches WHERE server NOT IN"
			       " (SELECT server FROM batches ORDER BY used DESC"
			       " LIMIT " BATCH_SERVERS ")",
};

struct sqlite_store *sqlite_store_of(struct store *store)
{
	return (struct sqlite_store *)store;
}

enum store_result sqlite_fail(struct sqlite_store *store)
{
	return store_fail(&store->base, "%s: %s", store->base.path,
			  sqlite3_errmsg(store->database));
}

/* SQLite takes a NULL statement in binding, stepping and resetting: it fails, with a message. */
sqlite3_stmt *sqlite_statement(struct sqlite_store *store, enum sqlite_query query)
{
	sqlite3_stmt **statement = &store->statements[query];
	if (!*statement) {
		sqlite3_prepare_v3(store->database, queries[query], -1, SQLITE_PREPARE_PERSISTENT,
				   statement, NULL);
	}
	return *statement;
}

enum store_result sqlite_row(struct sqlite_store *store, sqlite3_stmt *statement)
{
	int step = statement ? sqlite3_step(statement) : SQLITE_ERROR;
	if (step == SQLITE_ROW) {
		return STORE_OK;
	}
	enum store_result result = step == SQLITE_DONE ? STORE_NONE : sqlite_fail(store);
	sqlite3_reset(statement);
	return result;
}

enum store_result sqlite_run(struct sqlite_store *store, sqlite3_stmt *statement)
{
	return sqlite_row(store, statement) == STORE_NONE ? STORE_OK : STORE_FAILED;
}
