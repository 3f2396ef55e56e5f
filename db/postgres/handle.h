/*
 * postgres_handle: an open store in PostgreSQL, and what its transaction knows so far.
 *
 * A transaction makes two journeys. The first, at its begin, takes the locks (the server's batch,
 * the events in the order of their numbers, the counter of tickets) and fetches what the batch was
 * foreseen to need; the second writes all that was changed, and commits. What was not foreseen is
 * asked for in between. Fields are for db/postgres alone.
 */
#ifndef DB_POSTGRES_HANDLE_H
#define DB_POSTGRES_HANDLE_H

#include "db/postgres/link.h"
#include "db/postgres/work.h"
#include "db/store/event_cache.h"
#include "db/store/kind.h"

#define POSTGRES_EPOCH_UNKNOWN   (-1)
#define POSTGRES_UNWRITTEN_MAX   4096 /* tickets; more are written before the end */
#define POSTGRES_SERVERS_MAX     64   /* whose leases are looked at */
#define POSTGRES_COUNTER_UNKNOWN (-1)

struct postgres_store {
	struct store base; /* first: the kind's functions get a pointer to it */
	struct postgres_link link;
	struct parameters parameters;    /* of what is posted next */
	const struct store_needs *needs; /* of the transaction that is begun, or NULL */
	struct event_cache events;       /* locked at the begin, and not asked for yet */
	struct event_cache written;      /* to be written at the end */
	struct work work;
	int64_t wall_ns;     /* the database's clock at the begin */
	int64_t epoch;       /* of the server's batches, at the begin */
	int64_t counter;     /* the last ticket's number; or POSTGRES_COUNTER_UNKNOWN */
	int64_t counted;     /* as the database has it */
	bool foreseen;       /* the needs are fetched: what is not there is nowhere */
	bool holds_fetched;  /* those that end first are among the tickets */
	bool holds_complete; /* and they are all */
	int64_t holds_until; /* wall time: all that end before are among them */
	bool marked;         /* a batch's number is posted */
	int64_t marked_last; /* the server whose number was, the last time */
	bool committing;     /* the COMMIT is sent, and its result not seen */
	int64_t changes;     /* transactions that the database counts, as far as they are known */
	bool looked;         /* `changes_seen` is of now */
	int64_t changes_seen;
	int64_t server;                         /* that this handle keeps a lease for */
	uint32_t servers[POSTGRES_SERVERS_MAX]; /* that had one at the last look */
	size_t server_count;
	bool servers_fresh;    /* they are of the transaction under way */
	PGresult *waiters;     /* as they were foreseen to be needed, and not read yet; or NULL */
	int64_t waiters_last;  /* the count of changes of who waits, at the begin */
	int64_t waiters_floor; /* of those who left up to there not all are known any more */
};

struct postgres_store *postgres_of(struct store *base);

/* Says why the link failed: STORE_FAILED, and that the handle is to be opened anew. */
enum store_result postgres_fail(struct postgres_store *store);

/* Whether it failed since others were first, or are too slow: the link is as good as before. */
bool postgres_is_hindered(const struct postgres_store *store);

/* Posts QUERY with the handle's parameters. */
bool postgres_post(struct postgres_store *store, enum postgres_query query);

/* The result of what is posted last, the caller's to clear; NULL: postgres_fail says why. */
PGresult *postgres_ask(struct postgres_store *store, enum postgres_query query);

/* Columns as the queries name them. */
void postgres_read_event(const PGresult *result, int row, struct store_event *event);
void postgres_read_ticket(const PGresult *result, int row, struct store_ticket *ticket);

/* Posts what writes the tickets and events that were changed, and the counter. */
bool postgres_post_changes(struct postgres_store *store);

/* The same, and waits: what is asked of the database now sees it. */
bool postgres_write_changes(struct postgres_store *store);

#endif
