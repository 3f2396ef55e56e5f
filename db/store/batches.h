/*
 * store_batches: which batch of each server was committed last.
 */
#ifndef DB_STORE_BATCHES_H
#define DB_STORE_BATCHES_H

#include "db/store/store.h"

/*
 * The last batch that SERVER (a random number it chose at its start) committed, 0 if none; and,
 * within a transaction, which one this is. With it a clerk finds out whether its predecessor, who
 * died in the middle, had committed.
 */
enum store_result store_batch_last(struct store *store, int64_t server, int64_t *batch);
enum store_result store_batch_mark(struct store *store, int64_t server, int64_t batch);

#endif
