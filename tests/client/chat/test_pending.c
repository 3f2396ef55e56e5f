#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "client/chat/pending.h"

static struct pending pending;

static void expect_oldest(const char *line)
{
	const struct pending_entry *entry = pending_oldest(&pending);

	cr_assert_not_null(entry);
	cr_expect(entry->length == strlen(line) && memcmp(entry->line, line, entry->length) == 0,
		  "the oldest is '%.*s', not '%s'", (int)entry->length, entry->line, line);
}

static void add(const char *line, enum pending_purpose purpose)
{
	cr_assert_not_null(pending_add(&pending, span_of(line), purpose));
}

Test(pending, answers_belong_to_the_commands_in_their_order)
{
	for (int i = 0; i < 3 * PENDING_MAX; i++) {
		add("/ping a", PENDING_TYPED);
		add("/ping b", PENDING_TYPED);
		expect_oldest("/ping a");
		pending_answered(&pending);
		expect_oldest("/ping b");
		pending_answered(&pending);
	}
	cr_expect_null(pending_oldest(&pending));
	pending_answered(&pending);
	cr_expect_eq(pending.count, 0);
}

Test(pending, there_is_an_end_to_what_may_wait)
{
	for (int i = 0; i < PENDING_MAX; i++) {
		add("/ping", PENDING_TYPED);
	}
	cr_expect_null(pending_add(&pending, span_of("/ping"), PENDING_TYPED));
}

Test(pending, a_line_that_is_too_long_is_not_taken)
{
	static char line[PENDING_LINE_SIZE + 1];

	cr_expect_null(
		pending_add(&pending, (struct span){ line, PENDING_LINE_SIZE + 1 }, PENDING_TYPED));
	cr_expect_not_null(
		pending_add(&pending, (struct span){ line, PENDING_LINE_SIZE }, PENDING_TYPED));
}

Test(pending, only_what_is_done_once_however_often_it_is_asked_is_kept)
{
	add("/join #go", PENDING_TYPED);
	add("/book rush key=a", PENDING_TYPED);
	add("/who #go", PENDING_QUIET);
	add("/book rush", PENDING_TYPED); /* no key: not this client's doing, but never twice */
	add("/HOLD rush 2 key=b", PENDING_TYPED);
	add("/cancel 7K3M-Q2XW-9FTA-0BHJ", PENDING_TYPED);
	add("/confirm 7K3M-Q2XW-9FTA-0BHJ", PENDING_TYPED);
	cr_expect_eq(pending_keep_bookings(&pending), 3);
	cr_expect_eq(pending.count, 3);
	expect_oldest("/book rush key=a");
	pending_answered(&pending);
	expect_oldest("/HOLD rush 2 key=b");
	pending_answered(&pending);
	expect_oldest("/confirm 7K3M-Q2XW-9FTA-0BHJ");
}

Test(pending, what_is_kept_is_kept_across_the_rings_end)
{
	for (int i = 0; i < PENDING_MAX - 1; i++) {
		add("/ping", PENDING_TYPED);
		pending_answered(&pending);
	}
	add("/ping", PENDING_TYPED);
	add("/book rush key=a", PENDING_TYPED);
	add("/ping", PENDING_TYPED);
	add("/book rush key=b", PENDING_TYPED);
	cr_expect_eq(pending_keep_bookings(&pending), 2);
	expect_oldest("/book rush key=a");
	pending_answered(&pending);
	expect_oldest("/book rush key=b");
}

static void expect_keyed(const char *line, const char *expected)
{
	char keyed[PENDING_LINE_SIZE];
	size_t length = pending_add_key(span_of(line), "k1", keyed);

	cr_expect(length == strlen(expected) && memcmp(keyed, expected, length) == 0,
		  "'%s' became '%.*s'", line, (int)length, keyed);
}

Test(pending, a_booking_without_a_key_gets_one)
{
	expect_keyed("/book rush", "/book rush key=k1");
	expect_keyed("/Hold rush 2 tied", "/Hold rush 2 tied key=k1");
	expect_keyed("/book rush key=mine 2", "/book rush key=mine 2");
	expect_keyed("/book rush KEY=mine 2", "/book rush KEY=mine 2");
	expect_keyed("/booked rush", "/booked rush");
	expect_keyed("/join #go", "/join #go");
}
