#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "client/chat/outbox.h"

static struct outbox outbox;

static void expect_oldest(const char *line)
{
	const struct outbox_entry *entry = outbox_oldest(&outbox);

	cr_assert_not_null(entry);
	cr_expect(entry->length == strlen(line) && memcmp(entry->line, line, entry->length) == 0,
		  "the oldest is '%.*s', not '%s'", (int)entry->length, entry->line, line);
}

static void add(const char *line, enum outbox_purpose purpose)
{
	cr_assert_not_null(outbox_add(&outbox, span_of(line), purpose));
}

Test(outbox, answers_belong_to_the_commands_in_their_order)
{
	for (int i = 0; i < 3 * OUTBOX_MAX; i++) {
		add("/ping a", OUTBOX_TYPED);
		add("/ping b", OUTBOX_TYPED);
		expect_oldest("/ping a");
		outbox_answered(&outbox);
		expect_oldest("/ping b");
		outbox_answered(&outbox);
	}
	cr_expect_null(outbox_oldest(&outbox));
	outbox_answered(&outbox);
	cr_expect_eq(outbox.count, 0);
}

Test(outbox, there_is_an_end_to_what_may_wait)
{
	for (int i = 0; i < OUTBOX_MAX; i++) {
		add("/ping", OUTBOX_TYPED);
	}
	cr_expect_null(outbox_add(&outbox, span_of("/ping"), OUTBOX_TYPED));
}

Test(outbox, a_line_that_is_too_long_is_not_taken)
{
	static char line[OUTBOX_LINE_SIZE + 1];

	cr_expect_null(
		outbox_add(&outbox, (struct span){ line, OUTBOX_LINE_SIZE + 1 }, OUTBOX_TYPED));
	cr_expect_not_null(
		outbox_add(&outbox, (struct span){ line, OUTBOX_LINE_SIZE }, OUTBOX_TYPED));
}

Test(outbox, only_what_is_done_once_however_often_it_is_asked_is_kept)
{
	add("/join #go", OUTBOX_TYPED);
	add("/book rush key=a", OUTBOX_TYPED);
	add("/who #go", OUTBOX_QUIET);
	add("/book rush", OUTBOX_TYPED); /* no key: not this client's doing, but never twice */
	add("/HOLD rush 2 key=b", OUTBOX_TYPED);
	add("/cancel 7K3M-Q2XW-9FTA-0BHJ", OUTBOX_TYPED);
	add("/confirm 7K3M-Q2XW-9FTA-0BHJ", OUTBOX_TYPED);
	cr_expect_eq(outbox_keep_bookings(&outbox), 3);
	cr_expect_eq(outbox.count, 3);
	expect_oldest("/book rush key=a");
	outbox_answered(&outbox);
	expect_oldest("/HOLD rush 2 key=b");
	outbox_answered(&outbox);
	expect_oldest("/confirm 7K3M-Q2XW-9FTA-0BHJ");
}

Test(outbox, what_is_kept_is_kept_across_the_rings_end)
{
	for (int i = 0; i < OUTBOX_MAX - 1; i++) {
		add("/ping", OUTBOX_TYPED);
		outbox_answered(&outbox);
	}
	add("/ping", OUTBOX_TYPED);
	add("/book rush key=a", OUTBOX_TYPED);
	add("/ping", OUTBOX_TYPED);
	add("/book rush key=b", OUTBOX_TYPED);
	cr_expect_eq(outbox_keep_bookings(&outbox), 2);
	expect_oldest("/book rush key=a");
	outbox_answered(&outbox);
	expect_oldest("/book rush key=b");
}

static void expect_keyed(const char *line, const char *expected)
{
	char keyed[OUTBOX_LINE_SIZE];
	size_t length = outbox_add_key(span_of(line), "k1", keyed);

	cr_expect(length == strlen(expected) && memcmp(keyed, expected, length) == 0,
		  "'%s' became '%.*s'", line, (int)length, keyed);
}

Test(outbox, a_booking_without_a_key_gets_one)
{
	expect_keyed("/book rush", "/book rush key=k1");
	expect_keyed("/Hold rush 2 tied", "/Hold rush 2 tied key=k1");
	expect_keyed("/book rush key=mine 2", "/book rush key=mine 2");
	expect_keyed("/book rush KEY=mine 2", "/book rush KEY=mine 2");
	expect_keyed("/booked rush", "/booked rush");
	expect_keyed("/join #go", "/join #go");
}
