/*
 * postgres_link: a connection to the database, over which nobody waits for ever.
 *
 * Statements are posted one after the other and sent together; then each result is taken in order.
 * What takes longer than it may is as lost as a connection that broke: nothing is waited for, and
 * the link is to be closed. `error` says in one line what went wrong first, `state` which SQLSTATE
 * it had. Used by one thread.
 */
#ifndef DB_POSTGRES_LINK_H
#define DB_POSTGRES_LINK_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "db/postgres/parameters.h"
#include "db/postgres/queries.h"
#include "db/store/records.h"

#define LINK_STATE_SIZE 6 /* characters of a SQLSTATE and a NUL */

/* How long an answer may take: for what buyers wait, and for what goes through all there is. */
#define LINK_PATIENCE_NS      (1500 * NS_PER_MS)
#define LINK_LONG_PATIENCE_NS (60 * NS_PER_SECOND)

struct postgres_link {
	PGconn *connection;
	char place[STORE_ERROR_SIZE / 2]; /* "postgresql://HOST:PORT/DATABASE", for messages */
	unsigned posted;                  /* statements whose results are not taken */
	int64_t patience_ns;              /* LINK_PATIENCE_NS, if nobody sets another */
	int64_t deadline_ns;              /* of what is under way: monotonic */
	bool lost;                        /* broken, or too slow */
	bool heard;                       /* a notification: others changed something */
	int64_t own;                      /* the server whose notifications are our own */
	char state[LINK_STATE_SIZE];      /* "": it was not the database that refused */
	char error[STORE_ERROR_SIZE];
};

/* Connects to what URL names; false, and `error` says why. To be closed in either case. */
bool link_open(struct postgres_link *link, const char *url);
void link_close(struct postgres_link *link);

/* Prepares all statements; from then on they can be posted. The schema has to be there. */
bool link_prepare(struct postgres_link *link);

/* Before that: carries out a text of several statements, without results. */
bool link_run(struct postgres_link *link, const char *sql);

/* Before that: the first row of what SQL asks, or NULL; the caller clears it. */
PGresult *link_query(struct postgres_link *link, const char *sql);

/* PARAMETERS may be NULL: none. False when it cannot even be put on its way. */
bool link_post(struct postgres_link *link, enum postgres_query query,
	       struct parameters *parameters);

/*
 * Sends what is posted; takes the next result, the caller's to clear, or NULL when that statement,
 * or one before it, failed; and when enough is taken: false if any of the rest failed.
 */
bool link_send(struct postgres_link *link);
PGresult *link_take(struct postgres_link *link);
bool link_end(struct postgres_link *link);

/* All three: the result of the last one posted, or NULL when any failed. */
PGresult *link_ask(struct postgres_link *link);

/* The same where nobody wants to see a result. */
bool link_settle(struct postgres_link *link);

/*
 * Sends what is posted, and calls SEE for each row of the last one as it comes, however many there
 * are.
 */
typedef void link_see_row(void *context, const PGresult *row);
bool link_each(struct postgres_link *link, link_see_row *see, void *context);

/* Looks what came by itself, without waiting; true if others changed something since. */
bool link_listen(struct postgres_link *link);

/* A field of a row, as a number. */
int64_t link_number(const PGresult *result, int row, int column);

/* Copies a field to TEXT, SIZE bytes; what is longer was not written by us and is cut. */
void link_text(const PGresult *result, int row, int column, char *text, size_t size);

#endif
