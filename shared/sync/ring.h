/*
 * ring: records from one process to another, through shared memory.
 *
 * One producer, one consumer, records of any length up to RING_RECORD_MAX, in order. The producer
 * writes a record in place and then publishes it with one store; killed before that, the record was
 * never there. The consumer reads in place and then releases; killed before that, the next consumer
 * finds the record again. Full means a plain refusal: nobody waits here. Waking the reader is the
 * waker's business (waker.h).
 *
 * Written by: `head` the consumer; `tail`, what stands beside it and the bytes between tail and
 * head the producer. A record lies in one piece, after a header of 8 bytes; what is left over
 * before the end of the memory is skipped.
 */
#ifndef SHARED_SYNC_RING_H
#define SHARED_SYNC_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/memory.h"

#define RING_RECORD_MAX 8192 /* bytes */

struct ring {
	_Alignas(CACHE_LINE) _Atomic uint64_t head; /* bytes ever consumed */
	_Alignas(CACHE_LINE) _Atomic uint64_t tail; /* bytes ever published */
	uint64_t begin;                             /* of the reserved record: bytes as above */
	uint64_t reserved;                          /* its longest length; 0: none is reserved */
	uint64_t head_seen;                         /* what the producer last saw of head */
	_Alignas(CACHE_LINE) uint64_t capacity;     /* bytes; a power of two; never changes */
	_Alignas(CACHE_LINE) unsigned char bytes[];
};

/* What a ring of CAPACITY bytes (a power of two, at least 4 * RING_RECORD_MAX) takes in memory. */
size_t ring_size(size_t capacity);

/* Makes an empty ring in ring_size(CAPACITY) bytes aligned to CACHE_LINE. */
void ring_init(struct ring *ring, size_t capacity);

/*
 * Producer: room for a record of LENGTH bytes (1 to RING_RECORD_MAX), aligned to 8, or NULL when
 * the ring is too full. Nothing is visible before ring_publish, which must follow with the same
 * LENGTH or a smaller one; reserving again takes the reservation back.
 */
void *ring_reserve(struct ring *ring, size_t length);
void ring_publish(struct ring *ring, size_t length);

/*
 * Consumer: the oldest record, in place, and its length, or NULL when there is none. It stays until
 * ring_release. What the producer's process may have broken is checked: a record that cannot be is
 * a bug.
 */
const void *ring_peek(struct ring *ring, size_t *length);
void ring_release(struct ring *ring);

#endif
