#include "db/store/waiters.h"

#include "db/store/kind.h"

bool store_keeps_waiters(const struct store *store)
{
	return store->kind->waiters_read;
}

enum store_result store_waiters_read(struct store *store, store_see_waiter *see, void *context,
				     struct store_waiters_state *state)
{
	store_must_be_within(store);
	return store_noted(store, store->kind->waiters_read(store, see, context, state));
}

enum store_result store_waiters_write(struct store *store, const struct store_waiter *waiters,
				      size_t count, uint64_t version)
{
	store_changes(store);
	return store_noted(store, store->kind->waiters_write(store, waiters, count, version));
}
