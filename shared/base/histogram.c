/*
 * Values below 4 have a bucket each. From there on a power of two has four: the two bits after the
 * highest one say which.
 *
 * Only one process writes at a time, so plain loads and stores do; they are atomic for the readers.
 */
#include "shared/base/histogram.h"

#include <stddef.h>

#define QUARTERS 4

static size_t bucket_of(uint64_t value)
{
	if (value < QUARTERS) {
		return value;
	}
	unsigned power = 63U - (unsigned)__builtin_clzll(value);
	size_t quarter = (value >> (power - 2)) & (QUARTERS - 1);
	size_t bucket = (size_t)(power - 1) * QUARTERS + quarter;
	return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

static uint64_t bucket_middle(size_t bucket)
{
	if (bucket < QUARTERS) {
		return bucket;
	}
	unsigned shift = (unsigned)(bucket / QUARTERS) - 1;
	uint64_t least = (QUARTERS + (uint64_t)(bucket % QUARTERS)) << shift;
	return least + (UINT64_C(1) << shift) / 2;
}

static void add_to(_Atomic uint64_t *field, uint64_t value)
{
	uint64_t old = atomic_load_explicit(field, memory_order_relaxed);

	atomic_store_explicit(field, old + value, memory_order_relaxed);
}

static uint32_t bucket_count(const struct histogram *histogram, size_t bucket)
{
	return atomic_load_explicit(&histogram->buckets[bucket], memory_order_relaxed);
}

static void set_bucket(struct histogram *histogram, size_t bucket, uint64_t count)
{
	uint32_t stored = count < UINT32_MAX ? (uint32_t)count : UINT32_MAX;

	atomic_store_explicit(&histogram->buckets[bucket], stored, memory_order_relaxed);
}

/* A bucket is full after 2^32 values: all are halved, which leaves the shape as it is. */
static void fade(struct histogram *histogram)
{
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		set_bucket(histogram, i, bucket_count(histogram, i) / 2);
	}
}

static void raise_largest(struct histogram *histogram, uint64_t value)
{
	if (value > atomic_load_explicit(&histogram->largest, memory_order_relaxed)) {
		atomic_store_explicit(&histogram->largest, value, memory_order_relaxed);
	}
}

void histogram_add(struct histogram *histogram, uint64_t value)
{
	size_t bucket = bucket_of(value);

	if (bucket_count(histogram, bucket) == UINT32_MAX) {
		fade(histogram);
	}
	set_bucket(histogram, bucket, (uint64_t)bucket_count(histogram, bucket) + 1);
	raise_largest(histogram, value);
	add_to(&histogram->count, 1);
	add_to(&histogram->sum, value);
}

/* Of the buckets themselves: `count` may be a little ahead or, after a fade, far from it. */
static uint64_t total(const struct histogram *histogram)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		sum += bucket_count(histogram, i);
	}
	return sum;
}

uint64_t histogram_quantile(const struct histogram *histogram, double part)
{
	double wanted = part * (double)total(histogram);
	uint64_t largest = atomic_load_explicit(&histogram->largest, memory_order_relaxed);
	uint64_t seen = 0;

	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += bucket_count(histogram, i);
		if (seen > 0 && (double)seen >= wanted) {
			uint64_t middle = bucket_middle(i);
			return middle < largest ? middle : largest;
		}
	}
	return seen > 0 ? largest : 0;
}

/* A power of two begins a bucket. */
uint64_t histogram_below(const struct histogram *histogram, unsigned power)
{
	size_t end = power >= 64 ? HISTOGRAM_BUCKETS : bucket_of(UINT64_C(1) << power);
	uint64_t sum = 0;

	for (size_t i = 0; i < end; i++) {
		sum += bucket_count(histogram, i);
	}
	return sum;
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		set_bucket(into, i, (uint64_t)bucket_count(into, i) + bucket_count(from, i));
	}
	raise_largest(into, atomic_load_explicit(&from->largest, memory_order_relaxed));
	add_to(&into->count, atomic_load_explicit(&from->count, memory_order_relaxed));
	add_to(&into->sum, atomic_load_explicit(&from->sum, memory_order_relaxed));
}
