/*
 * Counting all tickets beside those who sell.
 */
#include <criterion/criterion.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/booking/booking.h"
#include "db/open.h"
#include "db/store/chat.h"
#include "shared/base/clock.h"
#include "tests/db/scratch.h"

#define TICKETS   1100 /* more than there are between two looks whether to go on */
#define LOG_BYTES ((size_t)48 << 20)
#define TEXT      4000 /* bytes of a message, about a page of the log */
#define MESSAGES  2048 /* 8 MiB */
#define ROUNDS    12

static struct store *store;
static struct tallies tallies;
static unsigned looks;
static char error[STORE_ERROR_SIZE];

static void set_up(void)
{
	scratch_make();
	store = open_store();
	make_event(store, "rush", 5000);
	make_event(store, "other", 10);
	begin(store);
	for (int i = 0; i < TICKETS; i++) {
		ask(store, BOOKING_BOOK, "rush", 2, "");
	}
	ask(store, BOOKING_HOLD, "other", 3, "");
	commit(store);
}

static void tear_down(void)
{
	tallies_finish(&tallies);
	store_close(store);
	scratch_remove();
}

StoreTestSuite(count, set_up, tear_down);

static bool go_on(void *context)
{
	(void)context;
	looks++;
	return true;
}

static bool at_once(void *context)
{
	(void)context;
	return true;
}

static enum store_result count_with(bool (*may_go_on)(void *context))
{
	const struct store_count_leave leave = { at_once, may_go_on, NULL };

	tallies_finish(&tallies);
	return store_count(scratch_url("s"), &leave, &tallies, error);
}

static void expect(const char *name, int64_t sold, int64_t held)
{
	const struct tally *tally = tallies_find(&tallies, name);
	cr_assert_not_null(tally, "%s", name);
	cr_expect_eq(tally->sold, sold);
	cr_expect_eq(tally->held, held);
}

StoreTest(count, adds_up_the_tickets_of_every_event)
{
	cr_assert_eq(count_with(go_on), STORE_OK, "%s", error);
	cr_expect_eq(tallies.count, 2);
	expect("rush", 2 * TICKETS, 0);
	expect("other", 0, 3);
	cr_expect_eq(tallies_find(&tallies, "rush")->event.sold, 2 * TICKETS);
	cr_expect_null(tallies_find(&tallies, "none"));
}

StoreTest(count, tells_who_is_in_from_who_may_still_come)
{
	struct booking_answer booked = ask_alone(store, BOOKING_BOOK, "other", 4, "");
	const struct booking_context context = { .store = store, .wall_ns = NS_PER_SECOND };
	struct booking_request request = { .verb = BOOKING_ADMIT };
	struct booking_answer answer;

	memcpy(request.code, booked.code, sizeof(request.code));
	begin(store);
	booking_carry_out(&context, &request, &answer);
	cr_assert_eq(answer.outcome, BOOKING_DONE);
	commit(store);
	cr_assert_eq(count_with(go_on), STORE_OK, "%s", error);
	expect("other", 4, 3);
	cr_expect_eq(tallies_find(&tallies, "other")->admitted, 4);
	cr_expect_eq(tallies_find(&tallies, "rush")->admitted, 0);
}

static bool sell_meanwhile(void *context)
{
	(void)context;
	looks++;
	cr_assert_eq(ask_alone(store, BOOKING_BOOK, "rush", 1, "").outcome, BOOKING_DONE);
	return true;
}

StoreTest(count, keeps_nobody_from_selling_and_does_not_see_what_is_sold_meanwhile)
{
	looks = 0;
	cr_assert_eq(count_with(sell_meanwhile), STORE_OK, "%s", error);
	cr_assert_gt(looks, 0);
	expect("rush", 2 * TICKETS, 0);
	cr_expect_eq(tallies_find(&tallies, "rush")->event.sold, 2 * TICKETS);
	cr_assert_eq(count_with(go_on), STORE_OK, "%s", error);
	expect("rush", 2 * TICKETS + looks / 2, 0);
	cr_expect(adds_up(store, "rush"));
}

static bool stop(void *context)
{
	(void)context;
	return false;
}

StoreTest(count, is_given_up_when_it_is_told_to)
{
	cr_expect_eq(count_with(stop), STORE_NONE);
}

static bool later(void *context)
{
	(void)context;
	cr_expect_eq(mutex_try(store_mutex(store), NULL), MUTEX_DEADLOCK, "the lock is free");
	return false;
}

StoreTest(count, asks_with_the_lock_held_whether_it_may_begin)
{
	const struct store_count_leave leave = { later, go_on, NULL };
	cr_expect_eq(store_count(scratch_url("s"), &leave, &tallies, error), STORE_NONE);
	cr_expect_eq(tallies.count, 0);
}

/* Makes the counter of "other" say one more than its ticket, by other means than ours. */
static void damage(void)
{
	if (scratch_is_json()) {
		const char *path = scratch_path("s");
		size_t size = file_size(path);
		char *text = calloc(1, size + 1);
		FILE *file = fopen(path, "re");
		cr_assert(text && file && fread(text, 1, size, file) == size);
		fclose(file);
		char *held = strstr(text, "\"held\":3");
		held = held ? held : strstr(text, "\"held\": 3");
		cr_assert_not_null(held, "%.400s", text);
		*strchr(held, '3') = '4';
		write_file(path, text, size);
		free(text);
		return;
	}
	if (scratch_is_database()) {
		scratch_run("UPDATE turnstile.events SET held = 4 WHERE name = 'other'");
		return;
	}
	sqlite3 *database;
	cr_assert_eq(sqlite3_open(scratch_path("s"), &database), SQLITE_OK);
	cr_assert_eq(sqlite3_exec(database, "UPDATE events SET held = 4 WHERE name = 'other'", NULL,
				  NULL, NULL),
		     SQLITE_OK);
	sqlite3_close(database);
}

StoreTest(count, tells_counters_from_tickets_where_they_differ)
{
	damage();
	cr_assert_eq(count_with(go_on), STORE_OK, "%s", error);
	expect("other", 0, 3);
	cr_expect_eq(tallies_find(&tallies, "other")->event.held, 4);
}

StoreTest(count, of_a_store_that_is_not_there_fails_and_makes_none)
{
	const struct store_count_leave leave = { at_once, go_on, NULL };
	cr_expect_eq(store_count(scratch_url("none"), &leave, &tallies, error), STORE_FAILED);
	cr_expect_eq(file_size(scratch_path("none")), 0);
}

/* About 8 MiB of the log, in one transaction. */
static void write_much(void)
{
	static char text[TEXT];
	struct store_message message = { .text = text, .length = TEXT, .wall_ns = 1 };
	memset(text, 'x', sizeof(text));
	begin(store);
	for (uint64_t i = 1; i <= MESSAGES; i++) {
		message.number = i;
		cr_assert_eq(store_message_add(store, &message), STORE_OK);
	}
	commit(store);
}

static bool write_meanwhile(void *context)
{
	(void)context;
	write_much();
	return true;
}

/* While it lasts, a snapshot keeps the log from starting anew; the next one does not. */
Test(count_sqlite, the_log_that_grew_while_it_lasted_starts_anew_afterwards)
{
	for (int i = 0; i < ROUNDS; i++) {
		cr_assert_eq(count_with(write_meanwhile), STORE_OK, "%s", error);
		cr_assert_lt(file_size(scratch_path("s-wal")), LOG_BYTES, "in round %d", i);
	}
}
