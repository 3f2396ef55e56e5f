#include "server/bus/order.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static struct bus *bus;

static void init(void)
{
	bus = aligned_alloc(CACHE_LINE, sizeof(*bus));
	cr_assert(bus);
	memset(bus, 0, sizeof(*bus));
}

static void finish(void)
{
	free(bus);
}

TestSuite(order, .init = init, .fini = finish);

static struct wire_head head_of(const char *node, uint64_t number)
{
	struct wire_head head = { .epoch = 9, .worker = 0, .number = number };

	memcpy(head.node, node, strlen(node) + 1);
	return head;
}

/* As the reader does it. */
static enum order_verdict take(const char *node, uint64_t number)
{
	static uint64_t sequence;
	const struct wire_head head = head_of(node, number);
	enum order_verdict verdict = order_judge(bus, &head);

	sequence++;
	if (verdict == ORDER_COUNTS) {
		order_note(bus, &head, sequence);
	}
	return verdict;
}

Test(order, a_line_that_comes_twice_counts_once)
{
	cr_expect_eq(take("a", 0), ORDER_COUNTS);
	cr_expect_eq(take("a", 1), ORDER_COUNTS);
	cr_expect_eq(take("a", 0), ORDER_REPEATED);
	cr_expect_eq(take("a", 1), ORDER_REPEATED);
	cr_expect_eq(take("a", 2), ORDER_COUNTS);
}

Test(order, machines_and_workers_are_counted_by_themselves)
{
	cr_expect_eq(take("a", 5), ORDER_COUNTS);
	cr_expect_eq(take("b", 0), ORDER_COUNTS);
	cr_expect_eq(take("a", 6), ORDER_COUNTS);
	cr_expect_eq(take("b", 1), ORDER_COUNTS);
}

Test(order, what_skips_a_line_does_not_count_until_that_has_come)
{
	cr_expect_eq(take("a", 0), ORDER_COUNTS);
	cr_expect_eq(take("a", 2), ORDER_EARLY);
	cr_expect_eq(take("a", 3), ORDER_EARLY);
	cr_expect_eq(take("a", 1), ORDER_COUNTS);
	cr_expect_eq(take("a", 2), ORDER_COUNTS);
	cr_expect_eq(take("a", 3), ORDER_COUNTS);
}

Test(order, a_hole_in_the_stream_excuses_one_gap_of_each)
{
	cr_expect_eq(take("a", 0), ORDER_COUNTS);
	cr_expect_eq(take("b", 0), ORDER_COUNTS);
	bus->holes++;
	cr_expect_eq(take("a", 7), ORDER_COUNTS);
	cr_expect_eq(take("a", 9), ORDER_EARLY);
	cr_expect_eq(take("b", 3), ORDER_COUNTS);
	cr_expect_eq(take("b", 3), ORDER_REPEATED);
}

Test(order, a_server_that_is_started_anew_begins_anew)
{
	struct wire_head head = head_of("a", 0);

	cr_expect_eq(take("a", 8), ORDER_COUNTS);
	head.epoch = 10;
	cr_expect_eq(order_judge(bus, &head), ORDER_COUNTS);
}

Test(order, with_more_workers_than_places_the_one_silent_for_the_longest_is_forgotten)
{
	struct wire_head head = head_of("a", 3);

	for (uint64_t i = 0; i <= BUS_SOURCES; i++) {
		head.epoch = i + 1;
		cr_assert_eq(order_judge(bus, &head), ORDER_COUNTS);
		order_note(bus, &head, i + 1);
	}
	cr_expect_eq(order_judge(bus, &head), ORDER_REPEATED);
	head.epoch = 2;
	cr_expect_eq(order_judge(bus, &head), ORDER_REPEATED);
	head.epoch = 1;
	cr_expect_eq(order_judge(bus, &head), ORDER_COUNTS);
}
