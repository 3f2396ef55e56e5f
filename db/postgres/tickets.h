/*
 * postgres_tickets: tickets in the database, as db/store/tickets.h means them.
 */
#ifndef DB_POSTGRES_TICKETS_H
#define DB_POSTGRES_TICKETS_H

#include "db/postgres/handle.h"

/* The first journey: posts what fetches the tickets of the needs and the holds that end first. */
bool postgres_tickets_post(struct postgres_store *store);
bool postgres_tickets_take(struct postgres_store *store);

/* Posts what locks the counter of tickets; takes what it says. */
bool postgres_counter_post(struct postgres_store *store);
bool postgres_counter_take(struct postgres_store *store);

enum store_result postgres_ticket_add(struct store *base, struct store_ticket *ticket);
enum store_result postgres_ticket_get(struct store *base, int64_t number,
				      struct store_ticket *ticket);
enum store_result postgres_ticket_by_key(struct store *base, const char *key,
					 struct store_ticket *ticket);
enum store_result postgres_ticket_change(struct store *base, const struct store_ticket *ticket);
enum store_result postgres_ticket_next_expiry(struct store *base, struct store_ticket *ticket);
enum store_result postgres_ticket_tied(struct store *base, uint64_t least, uint64_t most,
				       struct store_ticket *ticket);
enum store_result postgres_ticket_each(struct store *base, store_see_ticket *see, void *context);

#endif
