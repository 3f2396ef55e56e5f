/* Cleaned text is clean, well-formed by another's judgement, and cleaning it changes nothing. */
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "shared/text/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_well_formed(const char *text, size_t length)
{
	size_t at = 0;

	while (at < length) {
		utf8proc_int32_t point;
		utf8proc_ssize_t taken = utf8proc_iterate((const utf8proc_uint8_t *)text + at,
							  (utf8proc_ssize_t)(length - at), &point);

		if (taken <= 0)
			return false;
		at += (size_t)taken;
	}
	return true;
}

static bool is_same(const char *left, size_t left_length, const char *right, size_t right_length)
{
	return left_length == right_length && memcmp(left, right, left_length) == 0;
}

static void check_clean(const char *clean, size_t length)
{
	char *again = malloc(length * TEXT_GROWTH);

	if (!text_is_clean(clean, length) || !is_well_formed(clean, length))
		abort();
	if (!is_same(again, text_clean(clean, length, again), clean, length))
		abort();
	free(again);
}

static void check_cuts(const char *clean, size_t length)
{
	for (size_t size = 0; size <= length && size < 300; size++) {
		size_t cut = text_cut(clean, length, size);

		if (cut > size || size - cut > 3 || !is_well_formed(clean, cut))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	char *clean;
	size_t length;

	if (size == 0)
		return 0;
	clean = malloc(size * TEXT_GROWTH);
	length = text_clean(text, size, clean);
	if (text_is_clean(text, size) != is_same(text, size, clean, length))
		abort();
	check_clean(clean, length);
	check_cuts(clean, length);
	free(clean);
	return 0;
}
