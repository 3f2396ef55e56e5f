#include "shared/base/password.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "shared/text/text.h"
#include "shared/text/text_file.h"

#define PREFIX "$argon2"

bool password_is_hash(struct span text)
{
	return span_starts(text, PREFIX);
}

const char *password_fault(struct span password)
{
	if (password.length == 0) {
		return "it is empty";
	}
	if (password.length >= PASSWORD_SIZE) {
		return "it has more than 256 bytes";
	}
	if (!text_is_clean(password.text, password.length)) {
		return "it must be UTF-8 without TABs and control characters";
	}
	if (text_file_trim(password).length != password.length) {
		return "it begins or ends with a space";
	}
	return password_is_hash(password) ? "it looks like one that is hashed already" : NULL;
}

void password_forget(void *bytes, size_t size)
{
	explicit_bzero(bytes, size);
}

#ifdef TURNSTILE_WITH_SODIUM

#include <sodium.h>

_Static_assert(PASSWORD_HASH_SIZE >= crypto_pwhash_STRBYTES, "a hash fits");

const char *password_hash_fault(const char *hash)
{
	uint32_t version;
	uint32_t memory;
	uint32_t passes;
	/* NOLINTNEXTLINE(cert-err34-c): sodium looks at the numbers, too */
	int numbers = sscanf(hash, "$argon2id$v=%" SCNu32 "$m=%" SCNu32 ",t=%" SCNu32 ",", &version,
			     &memory, &passes);

	if (sodium_init() < 0 || numbers != 3 ||
	    crypto_pwhash_str_needs_rehash(hash, crypto_pwhash_OPSLIMIT_INTERACTIVE,
					   crypto_pwhash_MEMLIMIT_INTERACTIVE) < 0) {
		return "is not as `turnstile password` makes it";
	}
	if (memory > PASSWORD_MEMORY_MOST || passes > PASSWORD_PASSES_MOST) {
		return "takes too much to look at: at most m=262144 and t=16";
	}
	return NULL;
}

const char *password_make(struct span password, char hash[PASSWORD_HASH_SIZE])
{
	if (sodium_init() < 0 || crypto_pwhash_str(hash, password.text, password.length,
						   crypto_pwhash_OPSLIMIT_INTERACTIVE,
						   crypto_pwhash_MEMLIMIT_INTERACTIVE) != 0) {
		return "there is no memory for it: it takes 64 MiB";
	}
	return NULL;
}

enum password_verdict password_verify(const char *hash, struct span given)
{
	errno = 0;
	if (crypto_pwhash_str_verify(hash, given.text, given.length) == 0) {
		return PASSWORD_IS_RIGHT;
	}
	return errno == EINVAL ? PASSWORD_IS_WRONG : PASSWORD_IS_UNKNOWN;
}

#else

const char *password_hash_fault(const char *hash)
{
	(void)hash;
	return "needs libsodium, which this program was built without: it takes passwords in "
	       "clear alone";
}

const char *password_make(struct span password, char hash[PASSWORD_HASH_SIZE])
{
	(void)password;
	(void)hash;
	return "it needs libsodium, which this program was built without: write the password "
	       "itself into the file";
}

enum password_verdict password_verify(const char *hash, struct span given)
{
	(void)hash;
	(void)given;
	return PASSWORD_IS_UNKNOWN;
}

#endif
