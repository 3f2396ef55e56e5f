#include "shared/text/words.h"

#include <criterion/criterion.h>

static const struct span nothing = { NULL, 0 };

static void assert_span(struct span span, const char *expected)
{
	cr_assert(span_equals(span, expected), "\"%.*s\" is not \"%s\"", (int)span.length,
		  span.length ? span.text : "", expected);
}

static bool reads(const char *text, int64_t least, int64_t most, int64_t *number)
{
	return words_number(span_of(text), least, most, number);
}

Test(span, compares_whole_texts)
{
	cr_assert(span_equals(span_of("book"), "book"));
	cr_assert(span_equals(span_of(""), ""));
	cr_assert(span_equals(nothing, ""));
	cr_assert_not(span_equals(span_of("book"), "boo"));
	cr_assert_not(span_equals(span_of("boo"), "book"));
	cr_assert_not(span_equals(span_of("book"), "Book"));
	cr_assert_not(span_equals(nothing, "book"));
	cr_assert_not(span_equals((struct span){ "book\0", 5 }, "book"));
}

Test(span, compares_without_case_in_ascii_only)
{
	cr_assert(span_equals_ignoring_case(span_of("BooK-9"), "bOOk-9"));
	cr_assert(span_equals_ignoring_case(nothing, ""));
	cr_assert_not(span_equals_ignoring_case(span_of("book"), "books"));
	cr_assert_not(span_equals_ignoring_case(span_of("books"), "book"));
	cr_assert_not(span_equals_ignoring_case(span_of("[at]"), "{AT}"));
	cr_assert_not(span_equals_ignoring_case(span_of("@"), "`"));
	cr_assert_not(span_equals_ignoring_case(span_of("\xC3\x89"), "\xC3\xA9"));
}

Test(span, knows_what_it_starts_with)
{
	cr_assert(span_starts(span_of("//text"), "//"));
	cr_assert(span_starts(span_of("//"), "//"));
	cr_assert(span_starts(nothing, ""));
	cr_assert_not(span_starts(span_of("/"), "//"));
	cr_assert_not(span_starts(nothing, "/"));
}

Test(words, are_parted_by_one_or_more_spaces)
{
	struct span rest = span_of("  /book  rush   10 ");

	assert_span(words_next(&rest), "/book");
	assert_span(words_next(&rest), "rush");
	assert_span(words_next(&rest), "10");
	cr_assert_eq(words_next(&rest).length, 0);
	cr_assert_eq(words_next(&rest).length, 0);
}

Test(words, are_none_in_nothing)
{
	struct span rest = nothing;
	struct span spaces = span_of("   ");

	cr_assert_eq(words_next(&rest).length, 0);
	cr_assert_eq(words_next(&spaces).length, 0);
	cr_assert_eq(spaces.length, 0);
	cr_assert_eq(words_rest(nothing).length, 0);
}

Test(words, hold_any_byte_but_a_space)
{
	struct span rest = { "a\tb\0c d", 7 };
	struct span word = words_next(&rest);

	cr_assert_eq(word.length, 5);
	cr_assert_arr_eq(word.text, "a\tb\0c", 5);
}

Test(words, leave_the_inner_spaces_of_the_rest)
{
	struct span rest = span_of("/say   two  words  ");

	words_next(&rest);
	assert_span(words_rest(rest), "two  words");
	assert_span(words_rest(span_of("   ")), "");
}

Test(number, is_read_within_its_bounds)
{
	int64_t number = 0;

	cr_assert(reads("7", 1, 10, &number) && number == 7);
	cr_assert(reads("1", 1, 10, &number) && number == 1);
	cr_assert(reads("10", 1, 10, &number) && number == 10);
	cr_assert(reads("-5", -5, 5, &number) && number == -5);
	cr_assert(reads("007", 1, 10, &number) && number == 7);
	cr_assert(reads("-0", 0, 0, &number) && number == 0);
}

Test(number, is_refused_beyond_its_bounds_and_then_unchanged)
{
	int64_t number = 42;

	cr_assert_not(reads("0", 1, 10, &number));
	cr_assert_not(reads("11", 1, 10, &number));
	cr_assert_not(reads("-1", 0, 10, &number));
	cr_assert_eq(number, 42);
}

Test(number, does_not_overflow)
{
	int64_t number = 0;

	cr_assert(reads("9223372036854775807", INT64_MIN, INT64_MAX, &number));
	cr_assert_eq(number, INT64_MAX);
	cr_assert(reads("-9223372036854775808", INT64_MIN, INT64_MAX, &number));
	cr_assert_eq(number, INT64_MIN);
	cr_assert_not(reads("9223372036854775808", INT64_MIN, INT64_MAX, &number));
	cr_assert_not(reads("-9223372036854775809", INT64_MIN, INT64_MAX, &number));
	cr_assert_not(reads("18446744073709551617", INT64_MIN, INT64_MAX, &number));
	cr_assert_not(reads("99999999999999999999999", INT64_MIN, INT64_MAX, &number));
}

Test(number, is_digits_and_nothing_else)
{
	static const char *const others[] = { "",   "-",  "--1", "+1",  " 1",  "1 ",
					      "1a", "a1", "1-",  "0x1", "1.0", "\xD9\xA1" };
	int64_t number = 0;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		cr_assert_not(reads(others[i], INT64_MIN, INT64_MAX, &number), "%s", others[i]);
	}
	cr_assert_not(words_number(nothing, INT64_MIN, INT64_MAX, &number));
	cr_assert_not(words_number((struct span){ "1\0", 2 }, INT64_MIN, INT64_MAX, &number));
}

Test(option, has_a_name_and_a_value)
{
	struct span value;

	cr_assert(words_option(span_of("key=a=b"), "key", &value));
	assert_span(value, "a=b");
	cr_assert(words_option(span_of("key="), "key", &value));
	assert_span(value, "");
}

Test(option, has_a_name_without_case_and_a_value_with_it)
{
	struct span value;

	cr_assert(words_option(span_of("KEY=aB"), "key", &value));
	assert_span(value, "aB");
	cr_assert(words_option(span_of("Ttl=9"), "ttl", &value));
	assert_span(value, "9");
}

Test(option, of_another_name_is_not_taken)
{
	struct span value = span_of("as before");

	cr_assert_not(words_option(span_of("key"), "key", &value));
	cr_assert_not(words_option(span_of("keys=1"), "key", &value));
	cr_assert_not(words_option(span_of("ke=1"), "key", &value));
	cr_assert_not(words_option(span_of("KEYS=1"), "key", &value));
	cr_assert_not(words_option(nothing, "key", &value));
	assert_span(value, "as before");
}
