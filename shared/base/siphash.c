#include "shared/base/siphash.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "shared/base/log.h"

#define ROUNDS_PER_WORD 2
#define ROUNDS_AT_END   4

struct state {
	uint64_t v0, v1, v2, v3; /* named as in the paper */
};

void siphash_key_make(struct siphash_key *key)
{
	ssize_t filled;

	/* So few bytes come whole; only before the generator is ready can a signal interrupt. */
	do {
		filled = getrandom(key->words, sizeof(key->words), 0);
	} while (filled < 0 && errno == EINTR);
	if (filled != (ssize_t)sizeof(key->words)) {
		die("random numbers: %s", strerror(errno));
	}
}

static inline uint64_t rotate(uint64_t word, int bits)
{
	return word << bits | word >> (64 - bits);
}

static inline void mix(struct state *s, int rounds)
{
	for (int i = 0; i < rounds; i++) {
		s->v0 += s->v1;
		s->v1 = rotate(s->v1, 13) ^ s->v0;
		s->v0 = rotate(s->v0, 32);
		s->v2 += s->v3;
		s->v3 = rotate(s->v3, 16) ^ s->v2;
		s->v0 += s->v3;
		s->v3 = rotate(s->v3, 21) ^ s->v0;
		s->v2 += s->v1;
		s->v1 = rotate(s->v1, 17) ^ s->v2;
		s->v2 = rotate(s->v2, 32);
	}
}

static inline void absorb(struct state *s, uint64_t word)
{
	s->v3 ^= word;
	mix(s, ROUNDS_PER_WORD);
	s->v0 ^= word;
}

/* The constants are the paper's: "somepseudorandomlygeneratedbytes". */
static struct state begin(const struct siphash_key *key)
{
	return (struct state){
		.v0 = key->words[0] ^ UINT64_C(0x736f6d6570736575),
		.v1 = key->words[1] ^ UINT64_C(0x646f72616e646f6d),
		.v2 = key->words[0] ^ UINT64_C(0x6c7967656e657261),
		.v3 = key->words[1] ^ UINT64_C(0x7465646279746573),
	};
}

/* The last word: the bytes that fill no whole one, and the length in the highest byte. */
static uint64_t last_word(const unsigned char *bytes, size_t count, size_t length)
{
	uint64_t word = (uint64_t)length << 56;

	for (size_t i = 0; i < count; i++) {
		word |= (uint64_t)bytes[i] << (8 * i);
	}
	return word;
}

uint64_t siphash(const struct siphash_key *key, const void *bytes, size_t length)
{
	struct state s = begin(key);
	const unsigned char *next = bytes;
	size_t left = length;

	for (; left >= sizeof(uint64_t); left -= sizeof(uint64_t)) {
		uint64_t word;

		memcpy(&word, next, sizeof(word));
		absorb(&s, le64toh(word));
		next += sizeof(word);
	}
	absorb(&s, last_word(next, left, length));
	s.v2 ^= 0xff;
	mix(&s, ROUNDS_AT_END);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
