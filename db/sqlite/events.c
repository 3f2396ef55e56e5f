#include "db/sqlite/events.h"

#include <string.h>

/* Copies column COLUMN to TEXT, SIZE bytes; what is longer was not written by us and is cut. */
static void read_text(sqlite3_stmt *statement, int column, char *text, size_t size)
{
	const unsigned char *value = sqlite3_column_text(statement, column);
	size_t length = value ? (size_t)sqlite3_column_bytes(statement, column) : 0;
	if (length >= size) {
		length = size - 1;
	}
	if (length > 0) {
		memcpy(text, value, length);
	}
	text[length] = '\0';
}

/* The columns in the order in which the queries name them. */
void sqlite_event_read(sqlite3_stmt *statement, struct store_event *event)
{
	event->number = sqlite3_column_int64(statement, 0);
	read_text(statement, 1, event->name, sizeof(event->name));
	read_text(statement, 2, event->title, sizeof(event->title));
	event->total = sqlite3_column_int64(statement, 3);
	event->sold = sqlite3_column_int64(statement, 4);
	event->held = sqlite3_column_int64(statement, 5);
	event->open = sqlite3_column_int64(statement, 6) != 0;
}

static void bind_event(sqlite3_stmt *statement, const struct store_event *event)
{
	sqlite3_bind_int64(statement, 1, event->number);
	sqlite3_bind_text(statement, 2, event->name, -1, SQLITE_STATIC);
	sqlite3_bind_text(statement, 3, event->title, -1, SQLITE_STATIC);
	sqlite3_bind_int64(statement, 4, event->total);
	sqlite3_bind_int64(statement, 5, event->sold);
	sqlite3_bind_int64(statement, 6, event->held);
	sqlite3_bind_int64(statement, 7, event->open);
}

/* Runs a query for one event. */
static enum store_result fetch(struct sqlite_store *store, sqlite3_stmt *statement,
			       struct store_event *event)
{
	enum store_result result = sqlite_row(store, statement);
	if (result == STORE_OK) {
		sqlite_event_read(statement, event);
		sqlite3_reset(statement);
	}
	return result;
}

enum store_result sqlite_event_by_name(struct store *base, const char *name,
				       struct store_event *event)
{
	struct sqlite_store *store = sqlite_store_of(base);
	sqlite3_stmt *statement = sqlite_statement(store, QUERY_EVENT_BY_NAME);
	sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
	return fetch(store, statement, event);
}

enum store_result sqlite_event_by_number(struct store *base, int64_t number,
					 struct store_event *event)
{
	struct sqlite_store *store = sqlite_store_of(base);
	sqlite3_stmt *statement = sqlite_statement(store, QUERY_EVENT_BY_NUMBER);
	sqlite3_bind_int64(statement, 1, number);
	return fetch(store, statement, event);
}

enum store_result sqlite_event_add(struct store *base, struct store_event *event)
{
	struct sqlite_store *store = sqlite_store_of(base);
	sqlite3_stmt *statement = sqlite_statement(store, QUERY_EVENT_ADD);
	bind_event(statement, event);
	sqlite3_bind_null(statement, 1); /* SQLite chooses the number */
	if (sqlite_run(store, statement) != STORE_OK) {
		return STORE_FAILED;
	}
	event->number = sqlite3_last_insert_rowid(store->database);
	return STORE_OK;
}

enum store_result sqlite_event_write(struct store *base, const struct store_event *event)
{
	struct sqlite_store *store = sqlite_store_of(base);
	sqlite3_stmt *statement = sqlite_statement(store, QUERY_EVENT_WRITE);
	bind_event(statement, event);
	return sqlite_run(store, statement);
}

enum store_result sqlite_event_each(struct store *base, store_see_event *see, void *context)
{
	struct sqlite_store *store = sqlite_store_of(base);
	sqlite3_stmt *statement = sqlite_statement(store, QUERY_EVENT_ALL);
	struct store_event event;
	enum store_result result;
	while ((result = sqlite_row(store, statement)) == STORE_OK) {
		sqlite_event_read(statement, &event);
		see(context, &event);
	}
	return result == STORE_NONE ? STORE_OK : result;
}

enum store_result sqlite_event_count(struct store *base, struct tally *tally)
{
	struct sqlite_store *store = sqlite_store_of(base);
	sqlite3_stmt *statement = sqlite_statement(store, QUERY_EVENT_COUNT);
	sqlite3_bind_int64(statement, 1, tally->event.number);
	enum store_result result = sqlite_row(store, statement);
	if (result != STORE_OK) {
		return result;
	}
	tally->sold = sqlite3_column_int64(statement, 0);
	tally->held = sqlite3_column_int64(statement, 1);
	tally->admitted = sqlite3_column_int64(statement, 2);
	sqlite3_reset(statement);
	return STORE_OK;
}
