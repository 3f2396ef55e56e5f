/*
 * siphash: a keyed hash of 64 bits, SipHash-2-4 (Aumasson and Bernstein, 2012, "SipHash: a fast
 * short-input PRF"). Who does not know the key cannot make names that collide.
 */
#ifndef SHARED_BASE_SIPHASH_H
#define SHARED_BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

struct siphash_key {
	uint64_t words[2];
};

/* A key from the kernel's generator (getrandom(2)). Dies when there is none. */
void siphash_key_make(struct siphash_key *key);

uint64_t siphash(const struct siphash_key *key, const void *bytes, size_t length);

#endif
