/*
 * postgres_waiters: the row of people who wait, as db/store/waiters.h means it. Whoever reads or
 * changes it has the counter of tickets locked: so there is one count of changes, and what is above
 * what one has seen is what one has not.
 *
 * Who left stays as a mark for those who have not seen it yet, for some thousand changes. Who has
 * seen less than that reads all.
 */
#ifndef DB_POSTGRES_WAITERS_H
#define DB_POSTGRES_WAITERS_H

#include "db/postgres/handle.h"

/* The first journey, after the counter: posts what fetches the changes; and takes them. */
bool postgres_waiters_post(struct postgres_store *store);
bool postgres_waiters_take(struct postgres_store *store);

/* Forgets what was taken. */
void postgres_waiters_forget(struct postgres_store *store);

enum store_result postgres_waiters_read(struct store *base, store_see_waiter *see, void *context,
					struct store_waiters_state *state);
enum store_result postgres_waiters_write(struct store *base, const struct store_waiter *waiters,
					 size_t count, uint64_t version);

#endif
