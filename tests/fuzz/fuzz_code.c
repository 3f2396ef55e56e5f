/* A code that is taken is the code of its number; every number comes back from its code. */
#include <stdlib.h>
#include <string.h>

#include "db/store/code.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct siphash_key key = { { 3, 4 } };

static void check_number(int64_t number, int64_t salt)
{
	char text[CODE_SIZE];
	int64_t again;
	int64_t salt_again;

	code_make(&key, number, salt, text);
	if (strlen(text) != CODE_SIZE - 1 || !code_is_well_formed(span_of(text)))
		abort();
	if (!code_read(&key, span_of(text), &again, &salt_again) || again != number ||
	    salt_again != salt)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = { (const char *)data, size };
	int64_t number = 0;
	int64_t salt = 0;

	if (code_read(&key, text, &number, &salt)) {
		if (number < 0 || number > CODE_NUMBER_MAX || !code_is_well_formed(text))
			abort();
		check_number(number, salt);
	}
	memcpy(&number, data, size < sizeof(number) ? size : sizeof(number));
	check_number(number & CODE_NUMBER_MAX, salt);
	return 0;
}
