#include "server/state/stock_board.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"

static struct stock_board *board;

static void init(void)
{
	board = calloc(1, sizeof(*board));
	cr_assert_not_null(board);
}

static void finish(void)
{
	free(board);
}

TestSuite(board, .init = init, .fini = finish);

static struct store_event event_of(int64_t number, const char *name, int64_t total)
{
	struct store_event event = { .number = number, .total = total, .open = true };

	memcpy(event.name, name, strlen(name) + 1);
	return event;
}

static void put(int64_t left)
{
	struct store_event event = event_of(1, "rush", 100);

	cr_assert(stock_board_put(board, &event, left));
}

Test(board, shows_what_was_put_there_last)
{
	struct stock_board_event found;
	uint32_t place;

	put(100);
	put(97);
	cr_expect_eq(board->count, 1);
	cr_assert(stock_board_find(board, "rush", &place, &found));
	cr_expect_eq(found.left, 97);
	cr_expect_eq(found.total, 100);
	cr_expect(!stock_board_find(board, "none", &place, &found));
}

Test(board, a_change_is_told_once_at_most_four_times_a_second_and_the_last_always)
{
	struct stock_board_event event;
	int64_t now_ns = NS_PER_SECOND, wait_ns = 0;
	unsigned told = 0;

	put(100);
	cr_expect(!stock_board_claim_sale(board, 0, now_ns, &event, &wait_ns),
		  "a new event is no news");
	cr_expect_eq(wait_ns, 0);
	for (int i = 1; i <= 100; i++, now_ns += 20 * NS_PER_MS) {
		put(100 - i);
		told += stock_board_claim_sale(board, 0, now_ns, &event, &wait_ns);
		if (event.left != 100 - i) {
			cr_expect_eq(event.left, 100 - i);
		}
	}
	cr_expect_eq(told, 8, "in two seconds: %u", told);
	cr_expect_gt(wait_ns, 0, "the last one is due later");
	cr_expect(stock_board_claim_sale(board, 0, now_ns + wait_ns, &event, &wait_ns));
	cr_expect_eq(event.left, 0);
	cr_expect(!stock_board_claim_sale(board, 0, now_ns + NS_PER_SECOND, &event, &wait_ns));
	cr_expect_eq(wait_ns, 0, "nothing is left to tell");
}

Test(board, what_could_not_be_sent_is_due_again)
{
	struct stock_board_event event;
	int64_t wait_ns;

	put(100);
	put(99);
	cr_expect(stock_board_claim_sale(board, 0, NS_PER_SECOND, &event, &wait_ns));
	stock_board_return_sale(board, 0);
	cr_expect(stock_board_claim_sale(board, 0, NS_PER_SECOND + 1, &event, &wait_ns));
	cr_expect_eq(event.left, 99);
}

Test(board, one_that_is_full_says_so)
{
	struct store_event event = event_of(0, "e", 1);

	for (; event.number < STOCK_BOARD_EVENTS_MAX; event.number++) {
		cr_assert(stock_board_put(board, &event, 1));
	}
	cr_expect(!stock_board_put(board, &event, 1));
	event.number = 7;
	cr_expect(stock_board_put(board, &event, 0));
}
