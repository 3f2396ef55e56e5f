/*
 * store_waiters: who waits for tickets, where several machines share the store: one row of people
 * for all of them, in the order in which they asked.
 *
 * A store in a file keeps none. There all who wait are of one server, whose processes have the list
 * in their memory (booking/waitlist.h); and for a store that several machines share that memory has
 * a copy of the row, which is brought up to date when a batch begins (booking/waiters.h).
 *
 * Everything here is done within a transaction that was told `waiters` as a need (needs.h): it has
 * the row to itself. Orders and versions are numbers of one count, which only grows.
 */
#ifndef DB_STORE_WAITERS_H
#define DB_STORE_WAITERS_H

#include "db/store/records.h"
#include "db/store/store.h"

/* Whether the store keeps who waits. */
bool store_keeps_waiters(const struct store *store);

/*
 * Calls SEE, in their order, for all that were changed since `waiters_seen` of the needs; or, when
 * that is too long ago or never was, for all who wait, and some who left.
 */
enum store_result store_waiters_read(struct store *store, store_see_waiter *see, void *context,
				     struct store_waiters_state *state);

/*
 * Adds and changes COUNT of them; VERSION is above all orders and versions that there are. A leap
 * of so many makes everybody read all: what was put back from a back-up counts less than was seen.
 */
#define STORE_WAITERS_LEAP (1 << 24)
enum store_result store_waiters_write(struct store *store, const struct store_waiter *waiters,
				      size_t count, uint64_t version);

#endif
