/*
 * password: passwords that are kept hashed: argon2id, by libsodium, in its text form
 * ("$argon2id$v=19$m=65536,t=2,p=1$SALT$HASH").
 *
 * Making one and looking at one takes tens of milliseconds and PASSWORD_MEMORY bytes, which are
 * given back: not for a loop. Any thread may call. A program that was built without libsodium
 * knows a hash when it sees one, and says that it cannot look at it.
 */
#ifndef SHARED_BASE_PASSWORD_H
#define SHARED_BASE_PASSWORD_H

#include <stdbool.h>
#include <stddef.h>

#include "shared/text/words.h"

#define PASSWORD_SIZE        257          /* bytes of one in clear, a NUL counted in */
#define PASSWORD_HASH_SIZE   128          /* bytes, a NUL counted in */
#define PASSWORD_MEMORY_MOST (256 * 1024) /* KiB that a hash may ask for; ours takes 64 MiB */
#define PASSWORD_PASSES_MOST 16           /* over that memory, likewise; ours takes 2 */

enum password_verdict {
	PASSWORD_IS_RIGHT,
	PASSWORD_IS_WRONG,
	PASSWORD_IS_UNKNOWN /* there is no memory to look at it */
};

/* Whether TEXT is meant as a hash and not as a password in clear. */
bool password_is_hash(struct span text);

/* NULL, or why this hash cannot be used. */
const char *password_hash_fault(const char *hash);

/* The hash of a password. NULL, or why there is none: without libsodium, without memory. */
const char *password_make(struct span password, char hash[PASSWORD_HASH_SIZE]);

enum password_verdict password_verify(const char *hash, struct span given);

/* Why nobody could type it, so that it would lock out who relies on it; NULL if it is good. */
const char *password_fault(struct span password);

/* Overwrites one that is not needed any more. */
void password_forget(void *bytes, size_t size);

#endif
