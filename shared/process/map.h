/*
 * map: one function over many arguments, by a pool of processes. Python's map, map_async and imap.
 *
 * Arguments and results are arrays of elements of equal size, the caller's, as for qsort(3). Which
 * elements were done, failed or were lost with their worker stands in an array of outcomes.
 */
#ifndef SHARED_PROCESS_MAP_H
#define SHARED_PROCESS_MAP_H

#include <stdbool.h>
#include <stddef.h>

#include "shared/process/pool.h"

struct map {
	pool_function run;
	const void *arguments; /* COUNT elements of argument_size bytes */
	size_t argument_size;
	size_t result_size;
	size_t count;
};

/*
 * Carries all out and waits for them. RESULTS has `count` elements of result_size bytes (zeroed
 * where there is none), OUTCOMES `count` elements; it may be NULL. Returns how many were POOL_DONE.
 */
size_t map_all(struct pool *pool, const struct map *map, void *results,
	       enum pool_outcome *outcomes);

/* Called in the parent when all are over; DONE as map_all returns it. */
typedef void (*map_callback)(void *context, size_t done);

/*
 * The same without waiting: CALLBACK (may be NULL) is called by who waits for the pool. RESULTS and
 * OUTCOMES are the caller's and have to last until then; the arguments are copied. False with errno
 * set, and nothing handed in, when there is no memory or the pool is closed. (Memory that runs out
 * halfway: the rest is POOL_LOST.)
 */
bool map_async(struct pool *pool, const struct map *map, void *results, enum pool_outcome *outcomes,
	       map_callback callback, void *context);

/*
 * The results one by one, in the order of the arguments, each as soon as it and those before it are
 * there. NULL with errno set as for map_async.
 */
struct map_iterator;
struct map_iterator *map_iterate(struct pool *pool, const struct map *map);

/*
 * Waits for the next and copies it to RESULT (result_size bytes; zeroed unless POOL_DONE). False
 * when there are no more.
 */
bool map_next(struct map_iterator *iterator, void *result, enum pool_outcome *outcome);

/* What is unfinished is carried out all the same, for nobody. NULL is fine. */
void map_iterator_destroy(struct map_iterator *iterator);

#endif
