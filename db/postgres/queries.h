/*
 * postgres_queries: the statements that the database is read and written with, each prepared once a
 * connection, under its number.
 *
 * Where several rows are read or written, each column is an array. A statement that has to change
 * so many rows and no fewer divides by zero where it does not: so the pipeline ends there, before
 * the COMMIT that follows it.
 */
#ifndef DB_POSTGRES_QUERIES_H
#define DB_POSTGRES_QUERIES_H

#define POSTGRES_HOLDS_AHEAD      64 /* holds that end first, fetched beforehand */
#define POSTGRES_HOLDS_AHEAD_TEXT "64"
#define POSTGRES_CHANNEL          "turnstile" /* of NOTIFY */

enum postgres_query {
	POSTGRES_BEGIN,
	POSTGRES_BEGIN_SNAPSHOT,
	POSTGRES_COMMIT,
	POSTGRES_ROLLBACK,
	POSTGRES_CLOCK,
	POSTGRES_EVENTS_LOCK,
	POSTGRES_EVENT_BY_NAME,
	POSTGRES_EVENT_BY_NUMBER,
	POSTGRES_EVENT_ALL,
	POSTGRES_EVENT_ADD,
	POSTGRES_EVENTS_WRITE,
	POSTGRES_EVENT_COUNT,
	POSTGRES_EVENT_TALLIES,
	POSTGRES_COUNTER_LOCK,
	POSTGRES_COUNTER_WRITE,
	POSTGRES_TICKETS_FETCH,
	POSTGRES_TICKETS_HELD,
	POSTGRES_TICKETS_ADD,
	POSTGRES_TICKETS_CHANGE,
	POSTGRES_TICKET_TIED,
	POSTGRES_TICKET_ALL,
	POSTGRES_CODE_KEY_SET,
	POSTGRES_WAITERS_FETCH,
	POSTGRES_WAITERS_WRITE,
	POSTGRES_WAITERS_COUNT,
	POSTGRES_WAITERS_TIDY,
	POSTGRES_BATCH_LOCK,
	POSTGRES_BATCH_LAST,
	POSTGRES_BATCH_SETTLE,
	POSTGRES_BATCH_MARK,
	POSTGRES_BATCH_FORGET,
	POSTGRES_CHANGE_NOTE,
	POSTGRES_CHANGES,
	POSTGRES_NOTIFY,
	POSTGRES_LEASE_RENEW,
	POSTGRES_LEASE_FORGET,
	POSTGRES_LEASES,
	POSTGRES_ROOM_PUT,
	POSTGRES_ROOM_FORGET,
	POSTGRES_ROOM_ALL,
	POSTGRES_MESSAGE_ADD,
	POSTGRES_MESSAGES_TRIM,
	POSTGRES_MESSAGE_ALL,
	POSTGRES_BAN_PUT,
	POSTGRES_BANS_OVER,
	POSTGRES_BAN_ALL,
	POSTGRES_QUERIES
};

const char *postgres_query_text(enum postgres_query query);

/* The name that it is prepared under. */
const char *postgres_query_name(enum postgres_query query);

#endif
