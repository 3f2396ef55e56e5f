/*
 * sqlite_events: events in SQLite; db/store/tickets.h says what the functions do.
 */
#ifndef DB_SQLITE_EVENTS_H
#define DB_SQLITE_EVENTS_H

#include "db/sqlite/statement.h"

enum store_result sqlite_event_by_name(struct store *store, const char *name,
				       struct store_event *event);
enum store_result sqlite_event_by_number(struct store *store, int64_t number,
					 struct store_event *event);
enum store_result sqlite_event_add(struct store *store, struct store_event *event);
enum store_result sqlite_event_write(struct store *store, const struct store_event *event);
enum store_result sqlite_event_each(struct store *store, store_see_event *see, void *context);
enum store_result sqlite_event_count(struct store *store, struct tally *tally);

/* A row of SQLITE_EVENT_COLUMNS. */
void sqlite_event_read(sqlite3_stmt *row, struct store_event *event);

#endif
