/*
 * head and tail count bytes and never go back; modulo the capacity they are places in `bytes`. All
 * of them are multiples of 8, so a header always fits before the end. A header's upper half says
 * what follows: a word that stray bytes will hardly be.
 */
#include "shared/sync/ring.h"

#include <string.h>

#include "shared/base/log.h"

#define HEADER_SIZE    sizeof(uint64_t)
#define RECORD         (UINT64_C(0x7265636f) << 32) /* "reco" */
#define SKIP           (UINT64_C(0x736b6970) << 32) /* "skip": up to the end of the memory */
#define LENGTH_MASK    UINT64_C(0xffffffff)
#define CAPACITY_LEAST (4 * (size_t)RING_RECORD_MAX)

size_t ring_size(size_t capacity)
{
	if (capacity < CAPACITY_LEAST || (capacity & (capacity - 1)) != 0) {
		bug("a ring of %zu bytes", capacity);
	}
	return sizeof(struct ring) + capacity;
}

void ring_init(struct ring *ring, size_t capacity)
{
	memset(ring, 0, ring_size(capacity) - capacity);
	ring->capacity = capacity;
}

/* Header and record, rounded up so that the next header is aligned. */
static uint64_t size_of(uint64_t length)
{
	return HEADER_SIZE + ((length + 7) & ~UINT64_C(7));
}

static uint64_t offset_of(const struct ring *ring, uint64_t position)
{
	return position & (ring->capacity - 1);
}

/* Bytes from POSITION to the end of the memory. */
static uint64_t straight(const struct ring *ring, uint64_t position)
{
	return ring->capacity - offset_of(ring, position);
}

static _Atomic uint64_t *header_at(struct ring *ring, uint64_t position)
{
	return (_Atomic uint64_t *)(void *)(ring->bytes + offset_of(ring, position));
}

static void check_length(size_t length)
{
	if (length == 0 || length > RING_RECORD_MAX) {
		bug("a ring's record of %zu bytes", length);
	}
}

/* Whether SIZE bytes are free after TAIL. Head is looked at only when they seem not to be. */
static bool fits(struct ring *ring, uint64_t tail, uint64_t size)
{
	if (size <= ring->capacity - (tail - ring->head_seen)) {
		return true;
	}
	ring->head_seen = atomic_load_explicit(&ring->head, memory_order_acquire);
	if (tail - ring->head_seen > ring->capacity) {
		bug("a ring's head is out of range");
	}
	return size <= ring->capacity - (tail - ring->head_seen);
}

void *ring_reserve(struct ring *ring, size_t length)
{
	uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
	uint64_t left = straight(ring, tail);
	uint64_t size = size_of(length);
	uint64_t skipped = size > left ? left : 0;

	check_length(length);
	ring->reserved = 0;
	if (!fits(ring, tail, skipped + size)) {
		return NULL;
	}
	if (skipped > 0) {
		atomic_store_explicit(header_at(ring, tail), SKIP, memory_order_relaxed);
	}
	ring->begin = tail + skipped;
	ring->reserved = length;
	return header_at(ring, ring->begin) + 1;
}

void ring_publish(struct ring *ring, size_t length)
{
	check_length(length);
	if (length > ring->reserved) {
		bug("a ring's record of %zu bytes is published, %zu are reserved", length,
		    (size_t)ring->reserved);
	}
	ring->reserved = 0;
	atomic_store_explicit(header_at(ring, ring->begin), RECORD | length, memory_order_relaxed);
	atomic_store_explicit(&ring->tail, ring->begin + size_of(length), memory_order_release);
}

/* A skip goes back to the beginning, so it never stands there. */
static bool is_possible(const struct ring *ring, uint64_t head, uint64_t header)
{
	uint64_t length = header & LENGTH_MASK;

	if (header == SKIP) {
		return offset_of(ring, head) != 0;
	}
	return header == (RECORD | length) && length > 0 && length <= RING_RECORD_MAX &&
	       size_of(length) <= straight(ring, head);
}

/* The header at HEAD, which lies before TAIL: looked at once, and found possible. */
static uint64_t checked_header(struct ring *ring, uint64_t head, uint64_t tail)
{
	uint64_t header = atomic_load_explicit(header_at(ring, head), memory_order_relaxed);

	if (!is_possible(ring, head, header)) {
		bug("a ring's record has the header %#llx", (unsigned long long)header);
	}
	uint64_t size = header == SKIP ? straight(ring, head) : size_of(header & LENGTH_MASK);
	if (size > tail - head) {
		bug("a ring's record goes beyond its tail");
	}
	return header;
}

/* Where published bytes begin and end, as the other process left it. */
static uint64_t checked_tail(struct ring *ring, uint64_t head)
{
	uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);

	if (tail - head > ring->capacity || tail % HEADER_SIZE != 0) {
		bug("a ring's tail is out of range");
	}
	return tail;
}

const void *ring_peek(struct ring *ring, size_t *length)
{
	uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
	uint64_t tail = checked_tail(ring, head);

	if (head == tail) {
		return NULL;
	}
	uint64_t header = checked_header(ring, head, tail);
	if (header == SKIP) {
		head += straight(ring, head);
		atomic_store_explicit(&ring->head, head, memory_order_release);
		header = checked_header(ring, head, tail);
	}
	*length = (size_t)(header & LENGTH_MASK);
	return header_at(ring, head) + 1;
}

void ring_release(struct ring *ring)
{
	uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
	uint64_t tail = checked_tail(ring, head);
	uint64_t header = head == tail ? SKIP : checked_header(ring, head, tail);

	if (header == SKIP) {
		bug("a ring's record is released that was not looked at");
	}
	head += size_of(header & LENGTH_MASK);
	atomic_store_explicit(&ring->head, head, memory_order_release);
}
