/*
 * seqlock: a sequence lock: one writer, any number of readers, who take no lock and hold nobody up.
 *
 * The lock is a version that lies beside what it guards, in shared memory. It is odd while somebody
 * writes. A reader copies, and takes the copy only if the version was even before and is the same
 * afterwards; if not, it copies again. There is one writer at a time: the owner, or who holds the
 * mutex that guards the writing.
 *
 * A writer that is killed in between leaves the version odd, and what is guarded half written:
 * readers give up after SEQLOCK_TRIES and are told so, and the next writer starts on the odd
 * version and leaves an even one that nobody has seen before. (Whether to wait for that, or to use
 * the copy all the same, the reader knows best: so read_end tells nothing but the truth.)
 *
 * The fences: writing cannot begin before the version is odd, nor be seen after it is even again
 * (release); copying cannot begin before the version is read, nor go on after it is read once more
 * (acquire).
 */
#ifndef SHARED_BASE_SEQLOCK_H
#define SHARED_BASE_SEQLOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define SEQLOCK_TRIES 1000 /* copies, before a reader takes it that the writer is dead */

/* The writer, around all that it changes. */
static inline void seqlock_write_begin(_Atomic uint32_t *version)
{
	uint32_t before = atomic_load_explicit(version, memory_order_relaxed);

	atomic_store_explicit(version, before | 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
}

static inline void seqlock_write_end(_Atomic uint32_t *version)
{
	uint32_t during = atomic_load_explicit(version, memory_order_relaxed);

	atomic_store_explicit(version, during + 1, memory_order_release);
}

/* A reader, around what it copies: end says whether the copy is whole. */
static inline uint32_t seqlock_read_begin(const _Atomic uint32_t *version)
{
	return atomic_load_explicit(version, memory_order_acquire);
}

static inline bool seqlock_read_end(const _Atomic uint32_t *version, uint32_t before)
{
	atomic_thread_fence(memory_order_acquire);
	return before % 2 == 0 && before == atomic_load_explicit(version, memory_order_relaxed);
}

/*
 * Copies SIZE bytes that VERSION guards. False after SEQLOCK_TRIES: its writer died in between, or
 * writes without a pause; COPY is then what stands there, of different times.
 */
static inline bool seqlock_copy(const _Atomic uint32_t *version, void *copy, const void *guarded,
				size_t size)
{
	for (int tries = 0; tries < SEQLOCK_TRIES; tries++) {
		uint32_t before = seqlock_read_begin(version);

		memcpy(copy, guarded, size);
		if (seqlock_read_end(version, before)) {
			return true;
		}
	}
	return false;
}

#endif
