#include "shared/text/text.h"

#include <string.h>

#define REPLACEMENT 0xFFFD

static const char replacement[] = { '\xEF', '\xBF', '\xBD' }; /* the same in UTF-8 */

/*
 * What a first byte asks for: how many bytes follow it, and between which bounds the first of them
 * lies; all further ones are 80 to BF (Unicode 15, table 3-7). The bounds keep out overlong forms,
 * surrogates and what is above U+10FFFF.
 */
struct form {
	uint8_t following;
	uint8_t least, most;
};

static struct form form_of(uint8_t first)
{
	if (first >= 0xC2 && first <= 0xDF) {
		return (struct form){ 1, 0x80, 0xBF };
	}
	if (first == 0xE0) {
		return (struct form){ 2, 0xA0, 0xBF };
	}
	if (first == 0xED) {
		return (struct form){ 2, 0x80, 0x9F };
	}
	if (first >= 0xE1 && first <= 0xEF) {
		return (struct form){ 2, 0x80, 0xBF };
	}
	if (first == 0xF0) {
		return (struct form){ 3, 0x90, 0xBF };
	}
	if (first >= 0xF1 && first <= 0xF3) {
		return (struct form){ 3, 0x80, 0xBF };
	}
	if (first == 0xF4) {
		return (struct form){ 3, 0x80, 0x8F };
	}
	return (struct form){ 0, 0, 0 };
}

/* The bits of the code point that stand in the first byte of a sequence. */
static uint32_t first_bits(uint8_t first, unsigned following)
{
	return first & (0x3FU >> following);
}

/* A sequence of two bytes or more, or what should have been one. */
static size_t decode_long(const char *text, size_t length, uint32_t *point)
{
	uint8_t first = (uint8_t)text[0];
	struct form form = form_of(first);
	uint32_t value = first_bits(first, form.following);
	size_t taken = 1;

	for (; taken <= form.following && taken < length; taken++) {
		uint8_t byte = (uint8_t)text[taken];

		if (byte < form.least || byte > form.most) {
			break;
		}
		form.least = 0x80;
		form.most = 0xBF;
		value = value << 6 | (byte & 0x3F);
	}
	*point = form.following > 0 && taken > form.following ? value : REPLACEMENT;
	return taken;
}

size_t text_decode(const char *text, size_t length, uint32_t *point)
{
	uint8_t first = (uint8_t)text[0];

	if (first >= 0x80) {
		return decode_long(text, length, point);
	}
	*point = first;
	return 1;
}

static bool is_control(uint32_t point)
{
	return point < 0x20 || (point >= 0x7F && point <= 0x9F);
}

static bool is_bidi_control(uint32_t point)
{
	return (point >= 0x202A && point <= 0x202E) || (point >= 0x2066 && point <= 0x2069);
}

static bool is_unwanted(uint32_t point)
{
	return is_control(point) || is_bidi_control(point);
}

/* Whether the eight bytes at TEXT are all of 20 to 7E: seen at the top bit of each. */
static bool is_plain_word(const char *text)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t word;

	memcpy(&word, text, sizeof(word));
	return ((word | (word - ones * 0x20) | (word + ones)) & ones * 0x80) == 0;
}

/* Whether the COUNT bytes that were decoded as POINT may stay as they are. */
static bool is_fine(const char *text, size_t count, uint32_t point)
{
	if (point == REPLACEMENT) { /* sent as such, or the sign of a broken sequence? */
		return count == sizeof(replacement) && memcmp(text, replacement, count) == 0;
	}
	return !is_unwanted(point);
}

bool text_is_clean(const char *text, size_t length)
{
	size_t at = 0;

	while (at < length) {
		uint32_t point;
		size_t count = sizeof(uint64_t);

		if (length - at < count || !is_plain_word(text + at)) {
			count = text_decode(text + at, length - at, &point);
			if (!is_fine(text + at, count, point)) {
				return false;
			}
		}
		at += count;
	}
	return true;
}

/* Writes what stands for the COUNT bytes that were decoded as POINT; returns its length. */
static size_t put_clean(const char *text, size_t count, uint32_t point, char *clean)
{
	if (point == '\t') {
		*clean = ' ';
		return 1;
	}
	if (!is_fine(text, count, point)) {
		memcpy(clean, replacement, sizeof(replacement));
		return sizeof(replacement);
	}
	memcpy(clean, text, count);
	return count;
}

/* Copies the plain words that TEXT begins with; says how many bytes that are. */
static size_t copy_plain(const char *text, size_t length, char *clean)
{
	const size_t word = sizeof(uint64_t);
	size_t at = 0;

	while (length - at >= word && is_plain_word(text + at)) {
		memcpy(clean + at, text + at, word);
		at += word;
	}
	/* The last bytes are no whole word: with some before them, which are plain, they are. */
	if (at > 0 && length - at < word && is_plain_word(text + length - word)) {
		memcpy(clean + length - word, text + length - word, word);
		at = length;
	}
	return at;
}

size_t text_clean(const char *text, size_t length, char *clean)
{
	size_t at = 0;
	size_t written = 0;

	while (at < length) {
		uint32_t point;
		size_t plain = copy_plain(text + at, length - at, clean + written);

		at += plain;
		written += plain;
		if (at == length) {
			break;
		}
		size_t count = text_decode(text + at, length - at, &point);

		written += put_clean(text + at, count, point, clean + written);
		at += count;
	}
	return written;
}

static bool is_continuation(char byte)
{
	return ((uint8_t)byte & 0xC0) == 0x80;
}

size_t text_cut(const char *text, size_t length, size_t size)
{
	if (length <= size) {
		return length;
	}
	while (size > 0 && is_continuation(text[size])) {
		size--;
	}
	return size;
}
