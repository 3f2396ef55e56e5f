#include "db/booking/waitlist.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/memory.h"
#include "tests/support/child.h"

static struct memory memory;
static struct waitlist *list;

static void init(void)
{
	memory_init(&memory, "test", sizeof(*list) + CACHE_LINE);
	list = memory_take(&memory, sizeof(*list), CACHE_LINE);
	waitlist_init(list);
}

static void finish(void)
{
	memory_finish(&memory);
}

TestSuite(waitlist, .init = init, .fini = finish, .timeout = 60);

static struct waiter *add(uint64_t session, int64_t event)
{
	const struct waiter wanted = { .event = event,
				       .quantity = 1,
				       .client = { .session = session } };
	struct waiter *waiter = waitlist_add(list, &wanted);

	return waiter;
}

/* The sessions that wait for an event, in order, as "1 2 3 ". */
static const char *waiting_for(int64_t event)
{
	static char text[4096];
	size_t length = 0;

	text[0] = '\0';
	for (struct waiter *waiter = waitlist_first(list, event); waiter;
	     waiter = waitlist_next(list, waiter)) {
		cr_assert_lt(length, sizeof(text) - 24, "no end");
		length += (size_t)snprintf(text + length, sizeof(text) - length, "%lu ",
					   (unsigned long)waiter->client.session);
	}
	return text;
}

Test(waitlist, keeps_the_order_of_each_event)
{
	add(1, 1);
	add(2, 2);
	add(3, 1);
	add(4, 2);
	cr_expect_str_eq(waiting_for(1), "1 3 ");
	cr_expect_str_eq(waiting_for(2), "2 4 ");
	cr_expect_str_eq(waiting_for(3), "");
	cr_expect_eq(waitlist_position(list, waitlist_find(list, 4, 2)), 2);
	cr_expect_null(waitlist_find(list, 4, 1));
	waitlist_remove(list, waitlist_find(list, 1, 1));
	cr_expect_str_eq(waiting_for(1), "3 ");
	cr_expect_eq(list->count, 3);
	add(5, 1); /* in the place that the first one left */
	cr_expect_str_eq(waiting_for(1), "3 5 ");
}

Test(waitlist, finds_all_that_a_connection_waits_for)
{
	add(1, 1);
	add(2, 1);
	add(1, 2);
	cr_assert_eq(waitlist_any_of(list, 1)->event, 1);
	waitlist_remove(list, waitlist_any_of(list, 1));
	cr_assert_eq(waitlist_any_of(list, 1)->event, 2);
	waitlist_remove(list, waitlist_any_of(list, 1));
	cr_expect_null(waitlist_any_of(list, 1));
	cr_expect_str_eq(waiting_for(1), "2 ");
}

static void pass_over(struct waiter *waiter, int times)
{
	for (int i = 0; i < times; i++) {
		waitlist_pass_over(list, waiter);
	}
}

Test(waitlist, gathers_for_one_group_an_event_at_a_time)
{
	struct waiter *first = add(1, 1), *second = add(2, 1), *elsewhere = add(3, 2);

	pass_over(second, WAITLIST_PASSES_MAX);
	pass_over(first, WAITLIST_PASSES_MAX - 1);
	cr_expect_eq(waitlist_group(list, 1), second);
	waitlist_begin_gathering(list, second, 77);
	pass_over(first, 1);
	cr_expect_eq(waitlist_group(list, 1), second, "it has begun");
	cr_expect_null(waitlist_group(list, 2));
	pass_over(elsewhere, WAITLIST_PASSES_MAX);
	cr_expect_eq(waitlist_group(list, 2), elsewhere);
	waitlist_end_gathering(list, second);
	cr_expect_eq(waitlist_group(list, 1), first);
	waitlist_remove(list, first);
	cr_expect_null(waitlist_group(list, 1), "it may be passed over again");
	cr_expect_eq(waitlist_group(list, 2), elsewhere);
}

Test(waitlist, a_batch_that_failed_neither_begins_nor_ends_a_gathering)
{
	struct waiter *group = add(1, 1);

	waitlist_commit(list);
	pass_over(group, WAITLIST_PASSES_MAX);
	waitlist_begin_gathering(list, group, 77);
	waitlist_roll_back(list);
	cr_expect_null(waitlist_group(list, 1));
	pass_over(group, WAITLIST_PASSES_MAX);
	waitlist_begin_gathering(list, group, 78);
	waitlist_commit(list);
	waitlist_end_gathering(list, group);
	cr_expect_null(waitlist_group(list, 1));
	waitlist_roll_back(list);
	cr_expect_eq(waitlist_group(list, 1), group);
	cr_expect_eq(group->gathered, 78);
}

Test(waitlist, names_each_event_once_that_somebody_waits_for)
{
	add(1, 7);
	add(2, 3);
	add(3, 7);
	add(4, 5);
	cr_expect_eq(waitlist_event_after(list, 0), 3);
	cr_expect_eq(waitlist_event_after(list, 3), 5);
	cr_expect_eq(waitlist_event_after(list, 5), 7);
	cr_expect_eq(waitlist_event_after(list, 7), 0);
}

Test(waitlist, is_full_at_its_most_and_has_room_again)
{
	for (uint64_t i = 1; i <= WAITLIST_MAX; i++) {
		cr_assert_not_null(add(i, 1));
	}
	cr_expect_null(add(WAITLIST_MAX + 1, 1));
	waitlist_remove(list, waitlist_find(list, 5000, 1));
	cr_expect_not_null(add(WAITLIST_MAX + 1, 1));
	cr_expect_null(add(WAITLIST_MAX + 2, 1));
	cr_expect_eq(waitlist_position(list, waitlist_find(list, WAITLIST_MAX + 1, 1)),
		     WAITLIST_MAX);
}

Test(waitlist, numbers_everyone_of_more_events_than_it_counts_at_once)
{
	enum { EVENTS = 100, EACH = 3 };

	for (uint64_t i = 0; i < (uint64_t)EVENTS * EACH; i++) {
		add(i + 1, 1 + (int64_t)(i % EVENTS));
	}
	waitlist_remove(list, add(1000, 1)); /* who comes last moves nobody */
	waitlist_commit(list);
	cr_assert(waitlist_number(list));
	for (uint64_t i = 0; i < (uint64_t)EVENTS * EACH; i++) {
		cr_assert_eq(list->waiters[i].position, 1 + i / EVENTS);
	}
	cr_expect(!waitlist_number(list), "nothing changed since");
}

/* Batches */

static void offer(uint64_t session)
{
	struct waiter *waiter = waitlist_find(list, session, 1);

	waiter->state = WAITER_OFFERED;
	list->batch = true;
}

Test(waitlist, a_batch_that_failed_leaves_it_as_it_was)
{
	add(1, 1);
	add(2, 1);
	waitlist_commit(list);
	offer(1);
	add(3, 1);
	cr_expect_str_eq(waiting_for(1), "2 3 ");
	waitlist_roll_back(list);
	cr_expect_str_eq(waiting_for(1), "1 2 ");
	offer(1);
	add(3, 1);
	waitlist_commit(list);
	cr_expect_str_eq(waiting_for(1), "2 3 ");
	waitlist_roll_back(list); /* there is no batch */
	cr_expect_str_eq(waiting_for(1), "2 3 ");
}

/*
 * A holder killed at any step of a batch in which one came, one got an offer and one left: after a
 * repair the list is whole, and what the batch began can be settled either way.
 */

static void prepare(void)
{
	memset(list, 0, sizeof(*list));
	waitlist_init(list);
	for (uint64_t i = 1; i <= 5; i++) {
		add(i, 1);
	}
	waitlist_remove(list, waitlist_find(list, 2, 1));
	waitlist_commit(list);
}

static int change(void *argument)
{
	(void)argument;
	add(6, 1);
	offer(1);
	waitlist_remove(list, waitlist_find(list, 4, 1));
	add(7, 1);
	waitlist_commit(list);
	return 0;
}

static bool is_one_of(const char *text, const char *const *texts)
{
	for (; *texts; texts++) {
		if (strcmp(text, *texts) == 0) {
			return true;
		}
	}
	return false;
}

/* Each entry is in use or free, and once. */
static void check_links(void)
{
	uint32_t used = 0, unused = 0;
	uint32_t last = WAITLIST_NONE;

	for (uint32_t i = list->first; i != WAITLIST_NONE; i = list->waiters[i].next) {
		cr_assert_eq(list->waiters[i].previous, last);
		cr_assert_lt(used++, WAITLIST_MAX, "no end");
		last = i;
	}
	for (uint32_t i = list->free; i != WAITLIST_NONE; i = list->waiters[i].next) {
		cr_assert_lt(unused++, WAITLIST_MAX, "no end");
	}
	cr_assert_eq(list->last, last);
	cr_assert_eq(list->count, used);
	cr_assert_eq(used + unused, list->never_used);
}

static const char *const states[] = { "1 3 4 5 ", "1 3 5 ", "3 4 5 ",   "3 5 ", "1 3 4 5 6 ",
				      "3 4 5 6 ", "3 5 6 ", "3 5 6 7 ", NULL };

static void look(const struct child *dead)
{
	(void)dead;
	waitlist_repair(list);
	check_links();
	waitlist_commit(list);
	check_links();
	cr_assert(is_one_of(waiting_for(1), states), "'%s'", waiting_for(1));
	cr_assert_not_null(add(100, 1));
	waitlist_remove(list, waitlist_find(list, 100, 1));
	check_links();
}

static void look_when_it_failed(const struct child *dead)
{
	(void)dead;
	waitlist_repair(list);
	waitlist_roll_back(list);
	check_links();
	cr_assert(is_one_of(waiting_for(1), states), "'%s'", waiting_for(1));
}

Test(waitlist, killed_at_any_step_its_holder_leaves_what_can_be_repaired)
{
	prepare();
	change(NULL);
	child_kill_everywhere(change, prepare, look);
}

Test(waitlist, killed_at_any_step_its_holders_batch_can_be_taken_back)
{
	prepare();
	change(NULL);
	child_kill_everywhere(change, prepare, look_when_it_failed);
}
