#include <criterion/criterion.h>

#include "shared/base/histogram.h"

TestSuite(histogram);

static struct histogram histogram;
static struct histogram other;

Test(histogram, an_empty_one_says_0)
{
	cr_assert_eq(histogram_quantile(&histogram, 0.5), 0);
	cr_assert_eq(histogram_quantile(&histogram, 1), 0);
}

/* VALUE and one that is larger, so that the bucket's middle is not cut by the largest. */
static uint64_t read_back(uint64_t value)
{
	struct histogram pair = { .count = 0 };

	histogram_add(&pair, value);
	histogram_add(&pair, UINT64_MAX);
	return histogram_quantile(&pair, 0.5);
}

static uint64_t distance(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

Test(histogram, a_value_is_read_back_within_an_eighth)
{
	for (uint64_t power = 1; power < UINT64_C(1) << 49; power *= 2) {
		for (uint64_t part = 0; part < 16; part++) {
			uint64_t value = power + power * part / 16;
			uint64_t back = read_back(value);
			cr_assert_leq(distance(back, value) * 8, value, "%lu came back as %lu",
				      value, back);
		}
	}
}

Test(histogram, small_values_are_exact)
{
	for (uint64_t value = 0; value < 8; value++) {
		cr_assert_eq(read_back(value), value);
	}
}

Test(histogram, quantiles_are_in_their_places)
{
	for (uint64_t value = 1; value <= 1000; value++) {
		histogram_add(&histogram, value);
	}
	cr_assert_eq(histogram_quantile(&histogram, 0), 1);
	cr_assert_leq(distance(histogram_quantile(&histogram, 0.5), 500), 500 / 8);
	cr_assert_leq(distance(histogram_quantile(&histogram, 0.99), 990), 990 / 8);
	cr_assert_eq(histogram.count, 1000);
	cr_assert_eq(histogram.sum, 500500);
	cr_assert_eq(histogram.largest, 1000);
}

Test(histogram, no_quantile_is_above_the_largest)
{
	histogram_add(&histogram, 1024);
	cr_assert_eq(histogram_quantile(&histogram, 0.5), 1024);
	cr_assert_eq(histogram_quantile(&histogram, 1), 1024);
}

Test(histogram, huge_values_are_counted)
{
	histogram_add(&histogram, UINT64_MAX);
	histogram_add(&histogram, UINT64_C(1) << 60);
	cr_assert_eq(histogram.count, 2);
	cr_assert_geq(histogram_quantile(&histogram, 0.5), UINT64_C(1) << 48);
}

Test(histogram, merged_ones_count_as_one)
{
	for (uint64_t value = 1; value <= 100; value++) {
		histogram_add(value % 2 == 0 ? &histogram : &other, value * 1000);
	}
	histogram_merge(&histogram, &other);
	cr_assert_eq(histogram.count, 100);
	cr_assert_eq(histogram.sum, 5050 * 1000);
	cr_assert_eq(histogram.largest, 100000);
	cr_assert_leq(distance(histogram_quantile(&histogram, 0.5), 50000), 50000 / 8);
}

Test(histogram, a_full_bucket_keeps_the_shape)
{
	for (int i = 0; i < 4; i++) {
		histogram_add(&histogram, 1);
	}
	histogram_add(&histogram, 3);
	histogram.buckets[1] = UINT32_MAX;
	histogram.buckets[3] = UINT32_MAX - 1;
	histogram_add(&histogram, 1);
	cr_assert_eq(histogram.buckets[1], UINT32_MAX / 2 + 1);
	cr_assert_eq(histogram.buckets[3], UINT32_MAX / 2);
	cr_assert_eq(histogram_quantile(&histogram, 0.25), 1);
	cr_assert_eq(histogram_quantile(&histogram, 0.75), 3);
}

Test(histogram, what_is_below_a_power_of_two_is_counted)
{
	const uint64_t values[] = { 0, 1, 1023, 1024, 1025, 5000, UINT64_C(1) << 60 };

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		histogram_add(&histogram, values[i]);
	}
	cr_expect_eq(histogram_below(&histogram, 0), 1);
	cr_expect_eq(histogram_below(&histogram, 1), 2);
	cr_expect_eq(histogram_below(&histogram, 10), 3);
	cr_expect_eq(histogram_below(&histogram, 11), 5);
	cr_expect_eq(histogram_below(&histogram, 13), 6);
	cr_expect_eq(histogram_below(&histogram, 48), 6);
	cr_expect_eq(histogram_below(&histogram, 64), 7);
}
