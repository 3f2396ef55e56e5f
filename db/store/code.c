#include "db/store/code.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "shared/base/log.h"

#define ROUNDS       10
#define HALF_MASK    ((UINT64_C(1) << 40) - 1)
#define SYMBOLS      16 /* of 5 bits */
#define HALF_SYMBOLS (SYMBOLS / 2)
#define GROUP        4 /* symbols between two hyphens */

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

struct block {
	uint64_t left, right; /* 40 bits each */
};

/* The bytes are put in order by hand: a store keeps its codes on any machine. */
static uint64_t round_of(const struct siphash_key *key, int round, uint64_t half)
{
	unsigned char bytes[6] = { (unsigned char)round };

	for (int i = 0; i < 5; i++) {
		bytes[1 + i] = (unsigned char)(half >> 8 * i);
	}
	return siphash(key, bytes, sizeof(bytes)) & HALF_MASK;
}

static struct block permute(const struct siphash_key *key, struct block block)
{
	for (int round = 0; round < ROUNDS; round++) {
		uint64_t mixed = block.left ^ round_of(key, round, block.right);

		block = (struct block){ .left = block.right, .right = mixed };
	}
	return block;
}

static struct block permute_back(const struct siphash_key *key, struct block block)
{
	for (int round = ROUNDS - 1; round >= 0; round--) {
		uint64_t mixed = block.right ^ round_of(key, round, block.left);

		block = (struct block){ .left = mixed, .right = block.left };
	}
	return block;
}

static char symbol_at(struct block block, int place)
{
	uint64_t half = place < HALF_SYMBOLS ? block.left : block.right;
	int behind = HALF_SYMBOLS - 1 - place % HALF_SYMBOLS;

	return alphabet[half >> 5 * behind & 31];
}

int64_t code_salt_next(struct code_salts *salts)
{
	if (salts->left == 0) {
		ssize_t filled;

		do {
			filled = getrandom(salts->random, sizeof(salts->random), 0);
		} while (filled < 0 && errno == EINTR);
		if (filled != (ssize_t)sizeof(salts->random)) {
			die("random numbers: %s", strerror(errno));
		}
		salts->left = CODE_SALTS;
	}
	return (int64_t)(salts->random[--salts->left] & HALF_MASK);
}

void code_make(const struct siphash_key *key, int64_t number, int64_t salt, char *text)
{
	struct block block = { .left = (uint64_t)salt, .right = (uint64_t)number };

	if (number < 0 || number > CODE_NUMBER_MAX || salt < 0 || salt > CODE_SALT_MAX) {
		bug("no code for the number %lld and the salt %lld", (long long)number,
		    (long long)salt);
	}
	block = permute(key, block);
	for (int place = 0; place < SYMBOLS; place++) {
		if (place > 0 && place % GROUP == 0) {
			*text++ = '-';
		}
		*text++ = symbol_at(block, place);
	}
	*text = '\0';
}

/* The letters that Crockford leaves out since they are read as digits. */
static char as_meant(char symbol)
{
	switch (symbol) {
	case 'O': return '0';
	case 'I':
	case 'L': return '1';
	default: return symbol;
	}
}

/* The 5 bits of a symbol, -1 if it is none. */
static int symbol_value(char symbol)
{
	const char *found;

	if (symbol >= 'a' && symbol <= 'z') {
		symbol = (char)(symbol - 'a' + 'A');
	}
	found = memchr(alphabet, as_meant(symbol), sizeof(alphabet) - 1);
	return found ? (int)(found - alphabet) : -1;
}

static bool read_block(struct span text, struct block *block)
{
	uint64_t halves[2] = { 0, 0 };
	size_t count = 0;

	for (size_t i = 0; i < text.length; i++) {
		size_t half = count / HALF_SYMBOLS;
		int value = symbol_value(text.text[i]);

		if (text.text[i] == '-') {
			continue;
		}
		if (value < 0 || count == SYMBOLS) {
			return false;
		}
		halves[half] = halves[half] << 5 | (uint64_t)value;
		count++;
	}
	*block = (struct block){ .left = halves[0], .right = halves[1] };
	return count == SYMBOLS;
}

bool code_read(const struct siphash_key *key, struct span text, int64_t *number, int64_t *salt)
{
	struct block block;

	if (!read_block(text, &block)) {
		return false;
	}
	block = permute_back(key, block);
	*number = (int64_t)block.right;
	*salt = (int64_t)block.left;
	return true;
}

bool code_is_well_formed(struct span text)
{
	struct block block;

	return read_block(text, &block);
}
