/*
 * histogram: how often a value of which size came, in memory that many processes may read.
 *
 * Buckets are powers of two cut in four, so a value read back is at most an eighth off its bucket's
 * middle. One process writes at a time (the holder of a lock, or the owner of the histogram);
 * reading needs no lock and may miss what is being counted. No allocation, no clock.
 */
#ifndef SHARED_BASE_HISTOGRAM_H
#define SHARED_BASE_HISTOGRAM_H

#include <stdatomic.h>
#include <stdint.h>

#define HISTOGRAM_BUCKETS 192 /* up to 2^49 ns, six days; larger ones are counted there */

struct histogram {
	_Atomic uint64_t count;
	_Atomic uint64_t sum;
	_Atomic uint64_t largest;
	_Atomic uint32_t buckets[HISTOGRAM_BUCKETS];
};

/* Counts VALUE once. A zeroed histogram is an empty one. */
void histogram_add(struct histogram *histogram, uint64_t value);

/* The value that PART (0 to 1) of all that were counted do not exceed; 0 when none was. */
uint64_t histogram_quantile(const struct histogram *histogram, double part);

/* How many were below 2^POWER; of all that came, with a POWER of 64. */
uint64_t histogram_below(const struct histogram *histogram, unsigned power);

/* Adds all that FROM counted to INTO. */
void histogram_merge(struct histogram *into, const struct histogram *from);

#endif
