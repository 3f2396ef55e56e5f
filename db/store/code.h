/*
 * code: ticket codes such as 7K3M-Q2XW-9FTA-0BHJ, made from a booking's number and its salt.
 *
 * A code is 80 bits in Crockford's base 32 (https://www.crockford.com/base32.html): a keyed
 * permutation of both, a Feistel network of ten rounds over two halves of 40 bits with
 * SipHash-2-4 as the round function (Luby and Rackoff, 1988; ten rounds as in NIST SP 800-38G).
 * Number and salt have 40 bits each. The salt is random and stands in the ticket's row: so a number
 * that is given out a second time, since an older back-up was put back, has another code, and the
 * first one is nobody's. Of 2^80 codes at most 2^40 are a ticket's, and a guess hits one with a
 * chance of at most 2^-40, whatever other codes are known. No index is needed to find a booking by
 * its code: the permutation is undone, and the salt compared. Tickets of a time before there were
 * salts have 0.
 */
#ifndef DB_STORE_CODE_H
#define DB_STORE_CODE_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/siphash.h"
#include "shared/text/words.h"

#define CODE_SIZE       20 /* 16 characters, 3 hyphens, a NUL */
#define CODE_NUMBER_MAX ((INT64_C(1) << 40) - 1)
#define CODE_SALT_MAX   CODE_NUMBER_MAX

/* Random salts: taken from the kernel many at a time, since they are on a booking's way. */
#define CODE_SALTS 32 /* 256 bytes, which getrandom(2) gives whole */

struct code_salts {
	uint64_t random[CODE_SALTS];
	unsigned left; /* of them; 0: to be filled */
};

/* The next salt, 0 to CODE_SALT_MAX; dies when there is nothing random. Begins as zeroed memory. */
int64_t code_salt_next(struct code_salts *salts);

/* Writes the code of NUMBER (0 to CODE_NUMBER_MAX) and SALT to TEXT, CODE_SIZE bytes. */
void code_make(const struct siphash_key *key, int64_t number, int64_t salt, char *text);

/*
 * Reads a code as people write it: any case, hyphens anywhere or nowhere, O as 0, I and L as 1.
 * False when it does not have the form of one. It is a ticket's only if that has this salt.
 */
bool code_read(const struct siphash_key *key, struct span text, int64_t *number, int64_t *salt);

/* Whether TEXT has the form of a code, whatever key made it: to tell BADARG from NOTFOUND. */
bool code_is_well_formed(struct span text);

#endif
