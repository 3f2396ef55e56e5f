#include "shared/text/name.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <string.h>
#include <utf8proc.h>

#define POINT_MAX 0x10FFFF

/* A name that is put together piece by piece. */
struct builder {
	char text[NAME_ROOM_SIZE * 2];
	size_t length;
};

static void add(struct builder *name, const char *text)
{
	size_t length = strlen(text);

	cr_assert_leq(name->length + length, sizeof(name->text));
	memcpy(name->text + name->length, text, length);
	name->length += length;
}

static void add_times(struct builder *name, const char *text, int times)
{
	for (int i = 0; i < times; i++) {
		add(name, text);
	}
}

static void add_point(struct builder *name, int32_t point)
{
	name->length +=
		(size_t)utf8proc_encode_char(point, (utf8proc_uint8_t *)name->text + name->length);
}

static struct span built(const struct builder *name)
{
	return (struct span){ name->text, name->length };
}

static bool is_nick(const char *text)
{
	return name_is_nick(span_of(text));
}

static bool is_room(const char *text)
{
	return name_is_room(span_of(text));
}

Test(nick, is_letters_digits_underlines_and_hyphens)
{
	cr_assert(is_nick("a"));
	cr_assert(is_nick("guest-12"));
	cr_assert(is_nick("_Ann_"));
	cr_assert(is_nick("007"));
	cr_assert_not(is_nick(""));
	cr_assert_not(is_nick("two words"));
	cr_assert_not(is_nick("#room"));
	cr_assert_not(is_nick("a.b"));
	cr_assert_not(is_nick("a\n"));
	cr_assert_not(name_is_nick((struct span){ "a\0", 2 }));
}

Test(nick, is_of_any_script)
{
	cr_assert(is_nick("Zo\xC3\xAB"));
	cr_assert(is_nick("Zoe\xCC\x88"));                          /* the same, two points */
	cr_assert(is_nick("\xD0\x9E\xD0\xBB\xD1\x8F"));             /* Cyrillic */
	cr_assert(is_nick("\xE5\xA4\xAA\xE9\x83\x8E"));             /* Han */
	cr_assert(is_nick("\xE0\xA4\xB9\xE0\xA4\xBF\xE0\xA4\x82")); /* Devanagari, with marks */
	cr_assert(is_nick("\xE0\xB8\x99\xE0\xB9\x89\xE0\xB8\xB3")); /* Thai, with marks */
	cr_assert(is_nick("\xD9\xA1\xD9\xA2"));                     /* Arabic digits */
}

Test(nick, has_marks_only_on_letters)
{
	cr_assert_not(is_nick("\xCC\x88"));
	cr_assert_not(is_nick("\xCC\x88o"));
	cr_assert_not(is_nick("1\xCC\x88"));
	cr_assert_not(is_nick("-\xCC\x88"));
	cr_assert(is_nick("o\xCC\x88\xCC\x81"));
}

Test(nick, shows_all_that_it_is)
{
	cr_assert_not(is_nick("a\xE2\x80\x8B"));    /* zero width space */
	cr_assert_not(is_nick("a\xE2\x80\xAE"));    /* right-to-left override */
	cr_assert_not(is_nick("a\xEF\xB8\x8F"));    /* a variation selector, which is a mark */
	cr_assert_not(is_nick("\xE3\x85\xA4"));     /* the Hangul filler, which is a letter */
	cr_assert_not(is_nick("\xF0\x9F\x98\x80")); /* no letter */
	cr_assert_not(is_nick("\xEE\x80\x80"));     /* private use */
	cr_assert_not(is_nick("a\xC2\xA0"
			      "b")); /* a space */
}

Test(nick, is_well_formed)
{
	cr_assert_not(is_nick("a\xC3"));
	cr_assert_not(is_nick("\xFF"));
	cr_assert_not(is_nick("\xED\xA0\x80"));
	cr_assert_not(is_nick("\xEF\xBF\xBD"));
}

Test(nick, has_24_code_points_however_long_they_are)
{
	static const char *const letters[] = { "x", "\xC3\xA9", "\xE5\xA4\xAA",
					       "\xF0\x90\x90\x80" };

	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++) {
		struct builder name = { .length = 0 };

		add_times(&name, letters[i], NAME_NICK_POINTS);
		cr_assert(name_is_nick(built(&name)));
		cr_assert_lt(name.length, NAME_NICK_SIZE);
		add(&name, letters[i]);
		cr_assert_not(name_is_nick(built(&name)));
	}
}

Test(room, begins_with_its_sign)
{
	cr_assert(is_room("#rush"));
	cr_assert(is_room("#\xE5\xA4\xAA"));
	cr_assert_not(is_room("rush"));
	cr_assert_not(is_room("#"));
	cr_assert_not(is_room(""));
	cr_assert_not(is_room("##"));
	cr_assert_not(is_room("#a b"));
	cr_assert_not(is_room("#\xCC\x88"));
	cr_assert_not(name_is_room((struct span){ NULL, 0 }));
}

Test(room, has_32_code_points_after_its_sign)
{
	struct builder name = { .length = 0 };

	add(&name, "#");
	add_times(&name, "\xF0\x90\x90\x80", NAME_ROOM_POINTS);
	cr_assert(name_is_room(built(&name)));
	cr_assert_lt(name.length, NAME_ROOM_SIZE);
	add(&name, "x");
	cr_assert_not(name_is_room(built(&name)));
}

Test(event, is_small_letters_digits_and_hyphens)
{
	struct builder name = { .length = 0 };

	cr_assert(name_is_event(span_of("rush-2026")));
	cr_assert_not(name_is_event(span_of("")));
	cr_assert_not(name_is_event(span_of("Rush")));
	cr_assert_not(name_is_event(span_of("ru_sh")));
	cr_assert_not(name_is_event(span_of("r\xC3\xA9")));
	cr_assert_not(name_is_event((struct span){ "a\0", 2 }));
	add_times(&name, "a", 32);
	cr_assert(name_is_event(built(&name)));
	add(&name, "a");
	cr_assert_not(name_is_event(built(&name)));
}

Test(key, is_letters_digits_and_three_signs)
{
	struct builder name = { .length = 0 };

	cr_assert(name_is_key(span_of("Order_1.2-3")));
	cr_assert_not(name_is_key(span_of("")));
	cr_assert_not(name_is_key(span_of("a b")));
	cr_assert_not(name_is_key(span_of("a/b")));
	cr_assert_not(name_is_key(span_of("a=b")));
	cr_assert_not(name_is_key(span_of("\xC3\xA9")));
	add_times(&name, "Z", 64);
	cr_assert(name_is_key(built(&name)));
	add(&name, "Z");
	cr_assert_not(name_is_key(built(&name)));
}

static bool fold_alike(const char *left, const char *right)
{
	char left_folded[NAME_FOLDED_SIZE];
	char right_folded[NAME_FOLDED_SIZE];
	size_t left_length = name_fold(span_of(left), left_folded);
	size_t right_length = name_fold(span_of(right), right_folded);

	cr_assert_gt(left_length, 0);
	return left_length == right_length && memcmp(left_folded, right_folded, left_length) == 0;
}

Test(fold, makes_names_alike_that_differ_in_case)
{
	cr_assert(fold_alike("Ann", "aNN"));
	cr_assert(fold_alike("#Rush", "#rUSH"));
	cr_assert(fold_alike("Stra\xC3\x9F"
			     "e",
			     "STRASSE"));
	cr_assert(fold_alike("\xCE\xA3\xCE\xAF\xCF\x83\xCF\x85\xCF\x86\xCE\xBF\xCF\x82",
			     "\xCE\xA3\xCE\x8A\xCE\xA3\xCE\xA5\xCE\xA6\xCE\x9F\xCE\xA3"));
	cr_assert_not(fold_alike("ann", "anna"));
	cr_assert_not(fold_alike("ann", "anm"));
	cr_assert_not(fold_alike("a-n", "a_n"));
}

Test(fold, makes_names_alike_that_unicode_holds_to_be_the_same)
{
	cr_assert(fold_alike("Zo\xC3\xAB", "zoe\xCC\x88")); /* composed or not */
	cr_assert(fold_alike("\xE2\x84\xAA"
			     "ate",
			     "kate"));                                        /* the Kelvin sign */
	cr_assert(fold_alike("\xEF\xBC\xA1\xEF\xBD\x8E\xEF\xBC\x91", "an1")); /* full width */
	cr_assert(fold_alike("\xEF\xAC\x81n", "fin"));                        /* a ligature */
	/* Alpha with an iota below and an accent, in either order. */
	cr_assert(fold_alike("\xCE\xB1\xCD\x85\xCC\x81", "\xCE\xB1\xCC\x81\xCD\x85"));
	cr_assert_not(fold_alike("ann", "\xD0\xB0nn")); /* a Cyrillic a: another letter */
}

/* Returns the length of the folded form, after checking that it is its own folded form. */
static size_t assert_fold_is_stable(struct span name)
{
	char once[NAME_FOLDED_SIZE];
	char twice[NAME_FOLDED_SIZE];
	size_t length = name_fold(name, once);

	cr_assert_gt(length, 0, "%.*s", (int)name.length, name.text);
	cr_assert_leq(length, NAME_FOLDED_SIZE);
	if (length >= NAME_ROOM_SIZE) { /* longer than a name can be */
		return length;
	}
	cr_assert_eq(name_fold((struct span){ once, length }, twice), length, "%.*s",
		     (int)name.length, name.text);
	cr_assert_arr_eq(once, twice, length, "%.*s", (int)name.length, name.text);
	return length;
}

/* Every code point that may stand in a nick, after a letter and before one, and alone. */
Test(fold, changes_nothing_the_second_time)
{
	int seen = 0;

	for (int32_t point = 0; point <= POINT_MAX; point++) {
		struct builder between = { .length = 0 };
		struct builder alone = { .length = 0 };

		add(&between, "A");
		add_point(&between, point);
		add(&between, "B");
		add_point(&alone, point);
		if (!name_is_nick(built(&between))) {
			continue;
		}
		seen++;
		assert_fold_is_stable(built(&between));
		if (name_is_nick(built(&alone))) {
			assert_fold_is_stable(built(&alone));
		}
	}
	cr_assert_gt(seen, 100000);
}

/* Marks are sorted, and some fold to letters: pairs on a letter that takes many of them. */
Test(fold, changes_nothing_the_second_time_with_two_marks)
{
	for (int32_t first = 0x300; first < 0x370; first++) {
		for (int32_t second = 0x300; second < 0x370; second++) {
			struct builder name = { .length = 0 };

			add(&name, "\xCE\xB1");
			add_point(&name, first);
			add_point(&name, second);
			if (name_is_nick(built(&name))) {
				assert_fold_is_stable(built(&name));
			}
		}
	}
}

Test(fold, does_not_care_how_a_code_point_is_decomposed)
{
	for (int32_t point = 0x80; point <= POINT_MAX; point++) {
		struct builder name = { .length = 0 };
		char text[16] = "";
		utf8proc_uint8_t *decomposed;

		add_point(&name, point);
		if (!name_is_nick(built(&name))) {
			continue;
		}
		memcpy(text, name.text, name.length);
		decomposed = utf8proc_NFD((const utf8proc_uint8_t *)text);
		cr_assert(fold_alike(text, (const char *)decomposed), "U+%04X", (unsigned)point);
		free(decomposed);
	}
}

/* ASCII goes its own way; an accent at the end sends it the long one. */
Test(fold, of_ascii_is_what_unicode_says)
{
	for (char byte = 1; byte != 127; byte++) {
		char with_accent[] = { byte, '\xC3', '\xA9', '\0' };
		char without[] = { byte, '\0' };
		char long_way[NAME_FOLDED_SIZE];
		char short_way[NAME_FOLDED_SIZE];

		cr_assert_eq(name_fold(span_of(with_accent), long_way), 3);
		cr_assert_eq(name_fold(span_of(without), short_way), 1);
		cr_assert_eq(long_way[0], short_way[0]);
	}
}

/* U+FDFA, one letter, becomes eighteen. */
Test(fold, has_room_for_the_longest_name)
{
	struct builder name = { .length = 0 };
	size_t length;

	add(&name, "#");
	add_times(&name, "\xEF\xB7\xBA", NAME_ROOM_POINTS);
	cr_assert(name_is_room(built(&name)));
	length = assert_fold_is_stable(built(&name));
	cr_assert_eq(length, 1 + 33 * NAME_ROOM_POINTS);
}

Test(fold, refuses_what_is_no_name)
{
	char folded[NAME_FOLDED_SIZE];
	struct builder long_name = { .length = 0 };

	cr_assert_eq(name_fold(span_of(""), folded), 0);
	cr_assert_eq(name_fold(span_of("\xFF"), folded), 0);
	cr_assert_eq(name_fold(span_of("a\xC3"), folded), 0);
	add_times(&long_name, "x", NAME_ROOM_SIZE);
	cr_assert_eq(name_fold(built(&long_name), folded), 0);
}
