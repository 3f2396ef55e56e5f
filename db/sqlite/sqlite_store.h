/*
 * sqlite_store: the inside of the SQLite store, for the files that make it up: store_sqlite.c
 * (opening, transactions, checkpoints), sqlite_events.c and sqlite_tickets.c.
 *
 * A statement is prepared at its first use and kept. One that yielded a row must be reset before
 * its caller returns: until then it holds its reader's place in the log.
 */
#ifndef DB_SQLITE_SQLITE_STORE_H
#define DB_SQLITE_SQLITE_STORE_H

#include <sqlite3.h>

#include "db/store/event_cache.h"
#include "db/store/key_index.h"
#include "db/store/kind.h"

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

struct sqlite_store {
	struct store base; /* first: the kind's functions get a pointer to it */
	sqlite3 *database;
	sqlite3_stmt *statements[QUERIES];
	struct event_cache events;
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

/* sqlite_events.c: store.h says what they do. */
enum store_result sqlite_event_find(struct store *store, const char *name,
				    struct store_event **event);
enum store_result sqlite_event_get(struct store *store, int64_t number, struct store_event **event);
void sqlite_event_change(struct store *store, struct store_event *event);
enum store_result sqlite_event_add(struct store *store, struct store_event *event);
enum store_result sqlite_event_each(struct store *store,
				    void (*see)(void *context, const struct store_event *event),
				    void *context);
enum store_result sqlite_event_count(struct store *store, int64_t event, int64_t *sold,
				     int64_t *held);
void sqlite_events_changed(const struct store *store,
			   void (*see)(void *context, const struct store_event *event),
			   void *context);

/* Writes what was changed in the cache: once a transaction. */
enum store_result sqlite_events_write(struct sqlite_store *store);

/* sqlite_tickets.c: likewise. */
enum store_result sqlite_ticket_add(struct store *store, struct store_ticket *ticket);
enum store_result sqlite_ticket_get(struct store *store, int64_t number,
				    struct store_ticket *ticket);
enum store_result sqlite_ticket_by_key(struct store *store, const char *key,
				       struct store_ticket *ticket);
enum store_result sqlite_ticket_change(struct store *store, const struct store_ticket *ticket);
enum store_result sqlite_ticket_next_expiry(struct store *store, struct store_ticket *ticket);
enum store_result sqlite_ticket_tied(struct store *store, uint64_t least, uint64_t most,
				     struct store_ticket *ticket);
enum store_result sqlite_ticket_each(struct store *store,
				     void (*see)(void *context, const struct store_ticket *ticket),
				     void *context);

/* At begin: sets `last`, and brings the index of keys up to it. */
enum store_result sqlite_tickets_begin(struct sqlite_store *store);

/* sqlite_chat.c */
enum store_result sqlite_room_put(struct store *store, const struct store_room *room, bool fresh);
enum store_result sqlite_message_add(struct store *store, const struct store_message *message);
enum store_result sqlite_messages_trim(struct store *store, uint32_t room, unsigned keep);
enum store_result sqlite_ban_put(struct store *store, const struct store_ban *ban, int64_t wall_ns);
enum store_result sqlite_room_each(struct store *store,
				   void (*see)(void *context, const struct store_room *room),
				   void *context);
enum store_result sqlite_message_each(struct store *store,
				      void (*see)(void *context,
						  const struct store_message *message),
				      void *context);
enum store_result sqlite_ban_each(struct store *store,
				  void (*see)(void *context, const struct store_ban *ban),
				  void *context);

#endif
