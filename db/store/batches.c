#include "db/store/batches.h"

#include "db/store/kind.h"

enum store_result store_batch_last(struct store *store, int64_t server, int64_t *batch)
{
	store_must_be_taken(store);
	return store_noted(store, store->kind->batch_last(store, server, batch));
}

enum store_result store_batch_mark(struct store *store, int64_t server, int64_t batch)
{
	store_changes(store);
	return store_noted(store, store->kind->batch_mark(store, server, batch));
}
