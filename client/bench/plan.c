#include "client/bench/plan.h"

#include <string.h>

#include "shared/base/log.h"

#define DIGITS_MAX 20 /* of a 64-bit number */

void bench_put(struct bench_text *text, const char *bytes, size_t length)
{
	if (length > text->size - text->length) {
		bug("a message of the bench has no room");
	}
	memcpy(text->bytes + text->length, bytes, length);
	text->length += length;
}

void bench_put_string(struct bench_text *text, const char *string)
{
	bench_put(text, string, strlen(string));
}

void bench_put_number(struct bench_text *text, uint64_t number)
{
	char digits[DIGITS_MAX];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	bench_put(text, digits + at, sizeof(digits) - at);
}

static void put_hex(char *digits, size_t length, uint64_t number)
{
	for (size_t at = length; at > 0; at--) {
		digits[at - 1] = "0123456789abcdef"[number & 15];
		number >>= 4;
	}
}

/* Eight digits for the run, six for the client, ten for the number. */
void bench_put_key(struct bench_text *text, const struct bench_plan *plan, unsigned client,
		   int64_t number)
{
	char key[BENCH_KEY_LENGTH];

	put_hex(key, 8, plan->run);
	put_hex(key + 8, 6, client);
	put_hex(key + 14, 10, (uint64_t)number);
	bench_put(text, key, sizeof(key));
}
