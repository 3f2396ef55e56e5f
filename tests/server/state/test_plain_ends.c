/* Plain ends: their numbers, and what is known of them. */
#include "server/state/plain_ends.h"

#include <criterion/criterion.h>

#define PLACES 3

static struct memory memory;
static struct plain_ends *ends;

static void init(void)
{
	memory_init(&memory, "test", plain_ends_size(PLACES));
	ends = plain_ends_create(&memory, PLACES);
}

TestSuite(plain_ends, .init = init);

Test(plain_ends, there_are_so_many_and_no_more)
{
	uint64_t numbers[PLACES];

	for (int i = 0; i < PLACES; i++) {
		numbers[i] = plain_ends_take(ends);
		cr_expect_neq(numbers[i], 0);
		cr_expect_not_null(plain_ends_find(ends, numbers[i]));
	}
	cr_expect_eq(plain_ends_take(ends), 0);
	plain_ends_give(ends, numbers[1]);
	cr_expect_neq(plain_ends_take(ends), 0);
	cr_expect_eq(plain_ends_take(ends), 0);
	cr_expect_null(plain_ends_count(ends, 0));
}

Test(plain_ends, a_number_is_never_anothers)
{
	uint64_t before = 0;

	for (int i = 0; i < 10 * PLACES; i++) {
		uint64_t number = plain_ends_take(ends);

		cr_expect_not_null(plain_ends_find(ends, number));
		cr_expect_null(plain_ends_find(ends, before));
		plain_ends_give(ends, number);
		cr_expect_null(plain_ends_find(ends, number));
		cr_expect_gt(number, before);
		before = number;
	}
}

Test(plain_ends, those_of_a_predecessor_are_over)
{
	uint64_t number = plain_ends_take(ends);

	plain_ends_forget(ends);
	cr_expect_null(plain_ends_find(ends, number));
	cr_expect_neq(plain_ends_take(ends), number);
}

Test(plain_ends, what_is_compared_with_a_count_is_good_if_that_stood_still)
{
	uint64_t number = plain_ends_take(ends);
	struct relay_count *count = plain_ends_count(ends, number);
	const struct plain_end *end = plain_ends_find(ends, number);
	uint32_t version;

	cr_expect(plain_end_is_still(end, &version));
	cr_expect(plain_end_was_still(end, number, version));
	atomic_fetch_add(&count->version, 1);
	cr_expect_not(plain_end_was_still(end, number, version));
	cr_expect_not(plain_end_is_still(end, &version));
	atomic_fetch_add(&count->version, 1);
	cr_expect(plain_end_is_still(end, &version));
	plain_ends_give(ends, number);
	cr_expect_not(plain_end_was_still(end, number, version));
}
