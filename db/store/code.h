/*
 * code: ticket codes such as 7K3M-Q2XW-9FTA-0BHJ, made from a booking's number.
 *
 * A code is 80 bits in Crockford's base 32 (https://www.crockford.com/base32.html): a keyed
 * permutation of the number, a Feistel network of ten rounds over two halves of 40 bits with
 * SipHash-2-4 as the round function (Luby and Rackoff, 1988; ten rounds as in NIST SP 800-38G).
 * Numbers stay below 2^40, so of 2^80 codes at most 2^40 are valid, and a guess hits one with a
 * chance of at most 2^-40, whatever other codes are known. No index is needed to find a booking by
 * its code: the permutation is undone.
 */
#ifndef DB_STORE_CODE_H
#define DB_STORE_CODE_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/siphash.h"
#include "shared/text/words.h"

#define CODE_SIZE       20 /* 16 characters, 3 hyphens, a NUL */
#define CODE_NUMBER_MAX ((INT64_C(1) << 40) - 1)

/* Writes the code of NUMBER (0 to CODE_NUMBER_MAX) to TEXT, CODE_SIZE bytes. */
void code_make(const struct siphash_key *key, int64_t number, char *text);

/*
 * Reads a code as people write it: any case, hyphens anywhere or nowhere, O as 0, I and L as 1.
 * False when it is no code, or none that this key can have made.
 */
bool code_read(const struct siphash_key *key, struct span text, int64_t *number);

/* Whether TEXT has the form of a code, whatever key made it: to tell BADARG from NOTFOUND. */
bool code_is_well_formed(struct span text);

#endif
