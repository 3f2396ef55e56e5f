/*
 * sqlite_tickets: tickets in SQLite; db/store/tickets.h says what the functions do.
 */
#ifndef DB_SQLITE_TICKETS_H
#define DB_SQLITE_TICKETS_H

#include "db/sqlite/statement.h"

enum store_result sqlite_ticket_add(struct store *store, struct store_ticket *ticket);
enum store_result sqlite_ticket_get(struct store *store, int64_t number,
				    struct store_ticket *ticket);
enum store_result sqlite_ticket_by_key(struct store *store, const char *key,
				       struct store_ticket *ticket);
enum store_result sqlite_ticket_change(struct store *store, const struct store_ticket *ticket);
enum store_result sqlite_ticket_next_expiry(struct store *store, struct store_ticket *ticket);
enum store_result sqlite_ticket_tied(struct store *store, uint64_t least, uint64_t most,
				     struct store_ticket *ticket);
enum store_result sqlite_ticket_each(struct store *store, store_see_ticket *see, void *context);

/* At begin: sets `last`, and brings the index of keys up to it. */
enum store_result sqlite_tickets_begin(struct sqlite_store *store);

#endif
