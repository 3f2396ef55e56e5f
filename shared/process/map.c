/*
 * A batch is one map under way: an element for each argument, which the pool calls back with, and
 * the arrays that the answers go to. It lives until its last element is over.
 */
#include "shared/process/map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct batch;

struct element {
	struct batch *batch;
	bool over;
};

struct batch {
	size_t count;
	size_t left; /* not over yet */
	size_t done;
	size_t result_size;
	unsigned char *results;
	enum pool_outcome *outcomes; /* or NULL */
	map_callback callback;       /* or NULL */
	void *context;
	struct element elements[];
};

static struct batch *make_batch(const struct map *map, void *results, enum pool_outcome *outcomes)
{
	struct batch *batch = calloc(1, sizeof(*batch) + map->count * sizeof(batch->elements[0]));

	if (!batch) {
		return NULL;
	}
	batch->count = map->count;
	batch->left = map->count;
	batch->result_size = map->result_size;
	batch->results = results;
	batch->outcomes = outcomes;
	if (results) {
		memset(results, 0, map->count * map->result_size);
	}
	for (size_t i = 0; i < map->count; i++) {
		batch->elements[i].batch = batch;
	}
	return batch;
}

static void finish(struct batch *batch)
{
	if (batch->callback) {
		batch->callback(batch->context, batch->done);
	}
	free(batch);
}

static void note(void *context, enum pool_outcome outcome, const void *result)
{
	struct element *element = context;
	struct batch *batch = element->batch;
	size_t index = (size_t)(element - batch->elements);

	element->over = true;
	batch->done += outcome == POOL_DONE;
	if (batch->outcomes) {
		batch->outcomes[index] = outcome;
	}
	if (batch->results && result && batch->result_size > 0) {
		memcpy(batch->results + index * batch->result_size, result, batch->result_size);
	}
	if (--batch->left == 0) {
		finish(batch);
	}
}

static bool hand_in_one(struct pool *pool, const struct map *map, struct batch *batch, size_t index)
{
	struct pool_task task = {
		.run = map->run,
		.argument = (const unsigned char *)map->arguments + index * map->argument_size,
		.argument_size = map->argument_size,
		.result_size = map->result_size,
	};

	return pool_apply_async(pool, &task, note, &batch->elements[index]);
}

/* False when not even the first could be handed in. The pool calls back for none in here. */
static bool hand_in(struct pool *pool, const struct map *map, struct batch *batch)
{
	size_t handed_in = 0;

	while (handed_in < map->count && hand_in_one(pool, map, batch, handed_in)) {
		handed_in++;
	}
	if (handed_in == 0) {
		return false;
	}
	for (size_t i = handed_in; i < map->count; i++) {
		note(&batch->elements[i], POOL_LOST, NULL);
	}
	return true;
}

/* Begins MAP; the batch frees itself. NULL with errno set when it cannot. */
static struct batch *begin(struct pool *pool, const struct map *map, void *results,
			   enum pool_outcome *outcomes)
{
	struct batch *batch = make_batch(map, results, outcomes);

	if (!batch || map->count == 0 || hand_in(pool, map, batch)) {
		return batch;
	}
	int saved_errno = errno;
	free(batch);
	errno = saved_errno;
	return NULL;
}

bool map_async(struct pool *pool, const struct map *map, void *results, enum pool_outcome *outcomes,
	       map_callback callback, void *context)
{
	struct batch *batch = begin(pool, map, results, outcomes);

	if (!batch) {
		return false;
	}
	batch->callback = callback;
	batch->context = context;
	if (map->count == 0) {
		finish(batch);
	}
	return true;
}

struct wait {
	bool over;
	size_t done;
};

static void note_over(void *context, size_t done)
{
	struct wait *wait = context;

	wait->over = true;
	wait->done = done;
}

size_t map_all(struct pool *pool, const struct map *map, void *results, enum pool_outcome *outcomes)
{
	struct wait wait = { .over = false };

	if (!map_async(pool, map, results, outcomes, note_over, &wait)) {
		for (size_t i = 0; outcomes && i < map->count; i++) {
			outcomes[i] = POOL_LOST;
		}
		return 0;
	}
	while (!wait.over) {
		pool_wait(pool, FUTEX_FOREVER);
	}
	return wait.done;
}

struct map_iterator {
	struct pool *pool;
	struct batch *batch; /* NULL when it is over */
	bool abandoned;      /* to be freed when it is over */
	size_t next;
	size_t count;
	size_t result_size;
	enum pool_outcome *outcomes;
	unsigned char *results;
};

static void free_iterator(struct map_iterator *iterator)
{
	free(iterator->outcomes);
	free(iterator->results);
	free(iterator);
}

static void batch_is_over(void *context, size_t done)
{
	struct map_iterator *iterator = context;

	(void)done;
	iterator->batch = NULL;
	if (iterator->abandoned) {
		free_iterator(iterator);
	}
}

static bool start_iterator(struct map_iterator *iterator, const struct map *map)
{
	/* One more of each, since calloc may answer NULL to 0. */
	iterator->outcomes = calloc(map->count + 1, sizeof(iterator->outcomes[0]));
	iterator->results = calloc(map->count + 1, map->result_size + 1);
	if (!iterator->outcomes || !iterator->results) {
		return false;
	}
	if (map->count == 0) {
		return true;
	}
	iterator->batch = begin(iterator->pool, map, iterator->results, iterator->outcomes);
	if (!iterator->batch) {
		return false;
	}
	iterator->batch->callback = batch_is_over;
	iterator->batch->context = iterator;
	return true;
}

struct map_iterator *map_iterate(struct pool *pool, const struct map *map)
{
	struct map_iterator *iterator = calloc(1, sizeof(*iterator));

	if (!iterator) {
		return NULL;
	}
	iterator->pool = pool;
	iterator->count = map->count;
	iterator->result_size = map->result_size;
	if (start_iterator(iterator, map)) {
		return iterator;
	}
	int saved_errno = errno;
	free_iterator(iterator);
	errno = saved_errno;
	return NULL;
}

bool map_next(struct map_iterator *iterator, void *result, enum pool_outcome *outcome)
{
	size_t index = iterator->next;

	if (index == iterator->count) {
		return false;
	}
	while (iterator->batch && !iterator->batch->elements[index].over) {
		pool_wait(iterator->pool, FUTEX_FOREVER);
	}
	if (iterator->result_size > 0) {
		memcpy(result, iterator->results + index * iterator->result_size,
		       iterator->result_size);
	}
	*outcome = iterator->outcomes[index];
	iterator->next++;
	return true;
}

void map_iterator_destroy(struct map_iterator *iterator)
{
	if (!iterator) {
		return;
	}
	if (!iterator->batch) {
		free_iterator(iterator);
	} else {
		iterator->abandoned = true;
	}
}
