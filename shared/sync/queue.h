/*
 * queue: records from many processes to many, in order. Python's Queue and JoinableQueue.
 *
 * It lies in shared memory and is bounded: so many records, each of any length up to a limit. One
 * store puts a record in, and one takes it out. A producer that is killed leaves a whole record or
 * none. A consumer that is killed before that store leaves the record to the next; after it, that
 * one record is lost with it, and no other. Nobody waits for the dead.
 *
 * A joinable queue also knows who has taken which number of records and not said queue_task_done
 * yet: what a killed consumer had open counts as done (and as lost), so that queue_join ends. At
 * most HOLDERS_MAX processes can have records open in one.
 *
 * Written by: everything under `mutex`; head <= tail, done <= head.
 */
#ifndef SHARED_SYNC_QUEUE_H
#define SHARED_SYNC_QUEUE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/sync/condition.h"
#include "shared/sync/holders.h"
#include "shared/sync/mutex.h"

enum queue_kind { QUEUE_PLAIN, QUEUE_JOINABLE };

enum queue_result {
	QUEUE_DONE,
	QUEUE_TIMED_OUT, /* it stayed full, or empty, or unfinished, for all that time */
	QUEUE_TOO_LONG,  /* put: longer than the limit; get: than the buffer, and it stays */
	QUEUE_TOO_OFTEN  /* task_done: for more records than were taken */
};

struct queue {
	struct mutex mutex;
	struct condition not_empty;
	struct condition not_full;
	struct condition finished;
	enum queue_kind kind;
	size_t records_max;
	size_t record_max;
	_Atomic uint64_t tail; /* records ever put */
	_Atomic uint64_t head; /* records ever taken */
	_Atomic uint64_t done; /* those of them that are done, or lost */
	_Atomic uint64_t lost; /* taken by one who was killed before it was done with them */
	struct holders takers; /* a joinable one's: who has how many open */
	_Alignas(8) unsigned char slots[];
};

/*
 * What a queue takes in memory for RECORDS_MAX (1 or more) records of RECORD_MAX bytes each. Pages
 * that it never came to use cost nothing.
 */
size_t queue_size(size_t records_max, size_t record_max);

/* Makes an empty queue in queue_size bytes, aligned to CACHE_LINE, that nobody else uses yet. */
void queue_init(struct queue *queue, enum queue_kind kind, size_t records_max, size_t record_max);

/* Puts a record in, by copy, waiting TIMEOUT_NS at most for room (0: not at all). */
enum queue_result queue_put(struct queue *queue, const void *record, size_t length,
			    int64_t timeout_ns);

/*
 * Takes the oldest record out, into BUFFER (SIZE bytes), waiting TIMEOUT_NS at most for one. LENGTH
 * becomes its length, also with QUEUE_TOO_LONG.
 */
enum queue_result queue_get(struct queue *queue, void *buffer, size_t size, size_t *length,
			    int64_t timeout_ns);

/*
 * Joinable: says that one record taken is done with: one of the calling process's own, else of
 * another's.
 */
enum queue_result queue_task_done(struct queue *queue);

/* Joinable: waits until every record ever put is done, TIMEOUT_NS at most. */
enum queue_result queue_join(struct queue *queue, int64_t timeout_ns);

/* How many records are in it; how many were lost with their takers (seen by queue_join). Hints. */
uint64_t queue_length(const struct queue *queue);
uint64_t queue_lost(const struct queue *queue);

#endif
