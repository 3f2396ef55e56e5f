#include "db/store/code.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static const struct siphash_key key = { { 0x0706050403020100, 0x0f0e0d0c0b0a0908 } };
static const struct siphash_key other_key = { { 0x0706050403020101, 0x0f0e0d0c0b0a0908 } };

static int64_t read_back(const char *text)
{
	int64_t number = -1;
	int64_t salt = -1;

	return code_read(&key, span_of(text), &number, &salt) && salt == 0 ? number : -1;
}

/* Worked out from the header's words by another program. A store's codes must never change. */
Test(code, of_a_number_never_changes)
{
	static const struct {
		int64_t number;
		const char *code;
	} known[] = {
		{ 0, "3WH3-DD5W-NX2T-A6F5" },
		{ 1, "3T02-W7ME-K5DH-QJ8R" },
		{ 2, "7NH3-SW5T-D9E1-KEY1" },
		{ 1000000, "GFCY-Y8MM-QA0K-GMME" },
		{ CODE_NUMBER_MAX, "TNHZ-EN5K-GV6W-WW62" },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		char text[CODE_SIZE];

		code_make(&key, known[i].number, 0, text);
		cr_assert_str_eq(text, known[i].code);
		cr_assert_eq(read_back(text), known[i].number);
	}
}

#define MANY 100000

static int compare(const void *left, const void *right)
{
	return memcmp(left, right, CODE_SIZE);
}

Test(code, is_read_back_and_no_two_numbers_share_one)
{
	char(*codes)[CODE_SIZE] = calloc(MANY, CODE_SIZE);

	for (int64_t number = 0; number < MANY; number++) {
		code_make(&key, number, 0, codes[number]);
		cr_assert_eq(read_back(codes[number]), number);
	}
	qsort(codes, MANY, CODE_SIZE, compare);
	for (size_t i = 1; i < MANY; i++) {
		cr_assert_str_neq(codes[i - 1], codes[i]);
	}
	free(codes);
}

Test(code, is_read_back_up_to_the_largest_number)
{
	for (int64_t number = 1; number <= CODE_NUMBER_MAX; number = number * 2 + 1) {
		char text[CODE_SIZE];

		code_make(&key, number, 0, text);
		cr_assert_eq(read_back(text), number);
	}
}

Test(code, of_another_key_is_another_and_not_taken)
{
	for (int64_t number = 0; number < 1000; number++) {
		char text[CODE_SIZE];
		char other[CODE_SIZE];

		code_make(&key, number, 0, text);
		code_make(&other_key, number, 0, other);
		cr_assert_str_neq(text, other);
		cr_assert_eq(read_back(other), -1);
		cr_assert(code_is_well_formed(span_of(other)));
	}
}

Test(code, is_read_as_people_write_it)
{
	cr_assert_eq(read_back("3t02-w7me-k5dh-qj8r"), 1);
	cr_assert_eq(read_back("3T02W7MEK5DHQJ8R"), 1);
	cr_assert_eq(read_back("-3t0-2W--7mek5dhqj8-R-"), 1);
	cr_assert_eq(read_back("3TO2-W7ME-K5DH-QJ8R"), 1);
	cr_assert_eq(read_back("3to2-w7me-k5dh-qj8r"), 1);
	cr_assert_eq(read_back("7NH3-SW5T-D9EI-KEYL"), 2);
	cr_assert_eq(read_back("7nh3-sw5t-d9el-keyi"), 2);
}

Test(code, has_sixteen_symbols_of_its_alphabet)
{
	static const char *const others[] = {
		"",
		"-",
		"3T02-W7ME-K5DH-QJ8",
		"3T02-W7ME-K5DH-QJ8R0",
		"3T02-W7ME-K5DH-QJ8U",
		"3T02 W7ME K5DH QJ8R",
		"3T02-W7ME-K5DH-QJ8R ",
		"3T02-W7ME-K5DH-QJ8.",
		"3T02-W7ME-K5DH-QJ8\xC3\xA9",
	};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		cr_assert_not(code_is_well_formed(span_of(others[i])), "%s", others[i]);
		cr_assert_eq(read_back(others[i]), -1);
	}
	cr_assert_not(code_is_well_formed((struct span){ "3T02-W7ME-K5DH-QJ8\0", 19 }));
	cr_assert(code_is_well_formed(span_of("0000-0000-0000-0000")));
}

/* A symbol more or less changed anywhere: a slip of the pen is no other ticket. */
Test(code, with_one_wrong_symbol_is_not_taken)
{
	static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
	static const char right[] = "3T02-W7ME-K5DH-QJ8R";

	for (size_t at = 0; at < sizeof(right) - 1; at++) {
		for (size_t i = 0; i < sizeof(alphabet) - 1; i++) {
			char wrong[CODE_SIZE];

			memcpy(wrong, right, sizeof(right));
			wrong[at] = alphabet[i];
			if (right[at] != '-' && right[at] != alphabet[i]) {
				cr_assert_eq(read_back(wrong), -1, "%s", wrong);
			}
		}
	}
}

Test(code, cannot_be_guessed)
{
	static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
	unsigned seed = 1;

	for (int guess = 0; guess < 1000000; guess++) {
		char text[16 + 1] = "";

		for (int i = 0; i < 16; i++) {
			text[i] = alphabet[rand_r(&seed) / 64 % 32];
		}
		cr_assert_eq(read_back(text), -1);
	}
}

Test(code, of_a_number_that_is_given_twice_differs_by_its_salt)
{
	struct code_salts salts = { .left = 0 };
	char first[CODE_SIZE];
	char second[CODE_SIZE];
	int64_t number;
	int64_t salt;

	for (int i = 0; i < 3 * CODE_SALTS; i++) {
		int64_t given = code_salt_next(&salts);

		code_make(&key, 7, given, first);
		code_make(&key, 7, code_salt_next(&salts), second);
		cr_assert_str_neq(first, second);
		cr_assert(code_read(&key, span_of(first), &number, &salt));
		cr_assert_eq(number, 7);
		cr_assert_eq(salt, given);
	}
}
