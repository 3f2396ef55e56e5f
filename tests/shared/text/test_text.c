#include "shared/text/text.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define POINT_MAX        0x10FFFF
#define REPLACEMENT      0xFFFD
#define REPLACEMENT_TEXT "\xEF\xBF\xBD"

/* UTF-8 as RFC 3629 describes it; also for surrogates, which may not be encoded. */
static size_t encode(uint32_t point, char *text)
{
	if (point < 0x80) {
		text[0] = (char)point;
		return 1;
	}
	if (point < 0x800) {
		text[0] = (char)(0xC0 | point >> 6);
		text[1] = (char)(0x80 | (point & 0x3F));
		return 2;
	}
	if (point < 0x10000) {
		text[0] = (char)(0xE0 | point >> 12);
		text[1] = (char)(0x80 | (point >> 6 & 0x3F));
		text[2] = (char)(0x80 | (point & 0x3F));
		return 3;
	}
	text[0] = (char)(0xF0 | point >> 18);
	text[1] = (char)(0x80 | (point >> 12 & 0x3F));
	text[2] = (char)(0x80 | (point >> 6 & 0x3F));
	text[3] = (char)(0x80 | (point & 0x3F));
	return 4;
}

static bool is_surrogate(uint32_t point)
{
	return point >= 0xD800 && point <= 0xDFFF;
}

static bool must_go(uint32_t point)
{
	return point <= 0x1F || (point >= 0x7F && point <= 0x9F) ||
	       (point >= 0x202A && point <= 0x202E) || (point >= 0x2066 && point <= 0x2069);
}

/* Cleans a copy that ends where its memory ends, so that reading on is noticed. */
static void assert_cleaned(const char *text, size_t length, const char *expected, size_t size)
{
	char *copy = malloc(length ? length : 1);
	char *clean = malloc(TEXT_GROWTH * length + 1);
	bool same = size == length && memcmp(text, expected, length) == 0;

	memcpy(copy, text, length);
	cr_assert_eq(text_clean(copy, length, clean), size);
	cr_assert_arr_eq(clean, expected, size);
	cr_assert_eq(text_is_clean(copy, length), same);
	free(copy);
	free(clean);
}

#define CLEANED(text, expected) \
	assert_cleaned((text), sizeof(text) - 1, (expected), sizeof(expected) - 1)

Test(text, every_code_point_is_read_back)
{
	for (uint32_t point = 0; point <= POINT_MAX; point++) {
		char bytes[4];
		size_t length = encode(point, bytes);
		uint32_t read = 0;

		if (is_surrogate(point)) {
			continue;
		}
		cr_assert_eq(text_decode(bytes, length, &read), length);
		cr_assert_eq(read, point);
	}
}

Test(text, every_code_point_is_kept_or_replaced_as_the_contract_says)
{
	for (uint32_t point = 0; point <= POINT_MAX; point++) {
		char bytes[4];
		size_t length = encode(point, bytes);

		if (is_surrogate(point)) {
			assert_cleaned(bytes, length,
				       REPLACEMENT_TEXT REPLACEMENT_TEXT REPLACEMENT_TEXT, 9);
		} else if (point == '\t') {
			assert_cleaned(bytes, length, " ", 1);
		} else if (must_go(point)) {
			assert_cleaned(bytes, length, REPLACEMENT_TEXT, 3);
		} else {
			assert_cleaned(bytes, length, bytes, length);
		}
	}
}

/* The tables 3-8 to 3-11 of Unicode 15, chapter 3.9; R stands for U+FFFD. */
#define R REPLACEMENT_TEXT
Test(text, replaces_as_unicodes_examples_do)
{
	CLEANED("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41", R R R R R R R R "A");
	CLEANED("\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41", R R R R R R R R "A");
	CLEANED("\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42", R R R R R "A" R R "B");
	CLEANED("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41", R R R R "A");
}

Test(text, replaces_what_is_cut_off_once)
{
	CLEANED("a\xC3", "a" R);
	CLEANED("a\xE2\x82", "a" R);
	CLEANED("a\xF0\x9F\x98", "a" R);
	CLEANED("\xF0\x9F\x98\x80\xF0\x9F", "\xF0\x9F\x98\x80" R);
}

Test(text, takes_the_tricks_out_of_a_line)
{
	CLEANED("", "");
	CLEANED("a\tb", "a b");
	CLEANED("\x1B[2Jgone\a", R "[2Jgone" R);
	CLEANED("nul\0byte\xFF", "nul" R "byte" R);
	CLEANED("\xE2\x80\xAEtxt\xE2\x81\xA6\xC2\x9B", R "txt" R R);
	CLEANED("was " R " before", "was " R " before");
}
#undef R

Test(text, may_be_nothing_at_no_address)
{
	cr_assert(text_is_clean(NULL, 0));
	cr_assert_eq(text_clean(NULL, 0, NULL), 0);
	cr_assert_eq(text_cut(NULL, 0, 10), 0);
}

/*
 * A maximal subpart, by its definition: the longest stretch that begins some well-formed sequence,
 * or one byte. All such beginnings are collected from all code points.
 */
struct beginnings {
	bool one[1 << 8];
	bool two[1 << 16];
	bool three[1 << 24];
};

static size_t number_of(const unsigned char *bytes, size_t count)
{
	size_t number = 0;

	for (size_t i = 0; i < count; i++) {
		number = number << 8 | bytes[i];
	}
	return number;
}

static struct beginnings *collect_beginnings(void)
{
	struct beginnings *all = calloc(1, sizeof(*all));

	for (uint32_t point = 0x80; point <= POINT_MAX; point++) {
		unsigned char bytes[4];
		size_t length = is_surrogate(point) ? 0 : encode(point, (char *)bytes);

		if (length > 1) {
			all->one[bytes[0]] = true;
		}
		if (length > 2) {
			all->two[number_of(bytes, 2)] = true;
		}
		if (length > 3) {
			all->three[number_of(bytes, 3)] = true;
		}
	}
	return all;
}

static size_t maximal_subpart(const struct beginnings *all, const unsigned char *bytes)
{
	if (!all->one[bytes[0]] || !all->two[number_of(bytes, 2)]) {
		return 1;
	}
	return all->three[number_of(bytes, 3)] ? 3 : 2;
}

static void assert_decoded(const struct beginnings *all, const unsigned char *bytes)
{
	uint32_t point = 0;
	size_t taken = text_decode((const char *)bytes, 4, &point);
	unsigned char again[4];

	if (point == REPLACEMENT && memcmp(bytes, REPLACEMENT_TEXT, 3) != 0) {
		cr_assert_eq(taken, maximal_subpart(all, bytes), "%02x %02x %02x %02x", bytes[0],
			     bytes[1], bytes[2], bytes[3]);
		return;
	}
	cr_assert_not(is_surrogate(point) || point > POINT_MAX);
	cr_assert_eq(encode(point, (char *)again), taken);
	cr_assert_arr_eq(again, bytes, taken);
}

Test(text, takes_maximal_subparts_at_every_edge)
{
	static const unsigned char edges[] = { 0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF,
					       0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE,
					       0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF };
	const unsigned count = sizeof(edges);
	struct beginnings *all = collect_beginnings();

	for (unsigned i = 0; i < count * count * count * count; i++) {
		unsigned char bytes[4] = { edges[i % count], edges[i / count % count],
					   edges[i / count / count % count],
					   edges[i / count / count / count] };

		assert_decoded(all, bytes);
	}
	free(all);
}

Test(text, looks_at_every_byte_wherever_it_stands)
{
	char text[24];

	for (int byte = 0; byte < 256; byte++) {
		for (size_t at = 0; at < sizeof(text); at++) {
			memset(text, 'x', sizeof(text));
			text[at] = (char)byte;
			cr_assert_eq(text_is_clean(text, sizeof(text)), byte >= 0x20 && byte < 0x7F,
				     "byte %d at %zu", byte, at);
		}
	}
}

static void fill_at_random(char *text, size_t length, unsigned *seed)
{
	static const unsigned char often[] = { 0x80, 0xBF, 0xC3, 0xE2, 0xED, 0xEF, 0xF0, 0xF4 };

	for (size_t i = 0; i < length; i++) {
		int dice = rand_r(seed);

		text[i] = (char)(dice % 2 ? often[dice / 2 % 8] : dice / 16 % 256);
	}
}

Test(text, cleaned_is_clean_and_stays_as_it_is)
{
	enum { LENGTH = 40 };
	unsigned seed = 1;

	for (int round = 0; round < 20000; round++) {
		char text[LENGTH];
		char once[LENGTH * TEXT_GROWTH];
		char twice[LENGTH * TEXT_GROWTH * TEXT_GROWTH];
		size_t length;

		fill_at_random(text, sizeof(text), &seed);
		length = text_clean(text, sizeof(text), once);
		cr_assert_leq(length, sizeof(once));
		cr_assert(text_is_clean(once, length));
		cr_assert_eq(text_clean(once, length, twice), length);
		cr_assert_arr_eq(once, twice, length);
	}
}

Test(text, is_cut_between_characters)
{
	static const char text[] = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80z"; /* 1, 2, 3, 4, 1 */
	static const size_t expected[] = { 0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11, 11 };

	for (size_t size = 0; size < sizeof(expected) / sizeof(expected[0]); size++) {
		cr_assert_eq(text_cut(text, sizeof(text) - 1, size), expected[size], "%zu", size);
	}
	cr_assert_eq(text_cut("", 0, 0), 0);
	cr_assert_eq(text_cut("ab\x80", 2, 2), 2, "what lies behind the text does not matter");
}
