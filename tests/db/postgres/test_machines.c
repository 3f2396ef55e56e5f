/*
 * Several machines on one database: each with a lock of its own, so that only the database is
 * between them. And what a database can be wrong in.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db/open.h"
#include "db/store/batches.h"
#include "db/store/invariants.h"
#include "db/store/kind.h"
#include "db/store/tickets.h"
#include "shared/base/clock.h"
#include "tests/db/scratch.h"
#include "tests/support/child.h"

#define MACHINES 4
#define STOCK    200
#define WISHES   100 /* of each machine: more than there are in all */
#define SERVER   42
#define EVENTS   20
#define FAILED   (EVENTS + 1)

#define REFUSED_WITHIN_NS (5 * NS_PER_SECOND) /* two, and what a busy machine adds */

static void set_up(void)
{
	scratch_use("postgres");
	scratch_make();
}

TestSuite(machines_postgres, .init = set_up, .fini = scratch_remove);

/* From now on this process is another machine. */
static struct store *open_as_machine(int number)
{
	char folder[32];
	snprintf(folder, sizeof(folder), "machine-%d", number);
	(void)mkdir(scratch_path(folder), 0700);
	store_lock_in(scratch_path(folder));
	return open_store();
}

static void ignore_event(void *context, const struct store_event *event)
{
	(void)context;
	(void)event;
}

static void fail_breach(void *context, const char *text)
{
	(void)context;
	cr_expect_fail("%s", text);
}

static void expect_sound(struct store *store)
{
	const struct invariants_look look = { ignore_event, fail_breach, NULL };
	begin(store);
	cr_expect_eq(invariants_look(store, &look), STORE_OK);
	abandon(store);
}

/* As of other requests of the same batch. */
static void foresee_all(struct store_needs *needs)
{
	needs->events[needs->event_count++] = "other";
	needs->events[needs->event_count++] = "rush";
}

static bool ask_patiently(struct store *store, const char *event, const char *key,
			  struct booking_answer *answer)
{
	const struct booking_context context = { .store = store, .wall_ns = 1 };
	struct booking_request request = { .verb = BOOKING_BOOK, .quantity = 1 };
	struct store_needs needs = { .server = 0 };
	snprintf(request.event, sizeof(request.event), "%s", event);
	snprintf(request.key, sizeof(request.key), "%s", key);
	booking_foresee(&context, &request, &needs);
	foresee_all(&needs);
	if (!store_take(store, NS_PER_SECOND)) {
		return false;
	}
	store_foresee(store, &needs);
	bool good = store_begin(store) == STORE_OK;
	if (good) {
		booking_carry_out(&context, &request, answer);
		good = answer->outcome != BOOKING_FAILED && store_commit(store) == STORE_OK;
		store_rollback(store);
	}
	store_give(store);
	return good;
}

/* Every second key is all machines', the others its own; the events take turns. */
static int buy_as_machine(void *argument)
{
	int machine = *(int *)argument;
	struct booking_answer answer;
	struct store *store = open_as_machine(machine);
	for (int i = 0; i < WISHES; i++) {
		char key[NAME_KEY_SIZE];
		snprintf(key, sizeof(key), "key-%d-%d", i % 2 == 0 ? 0 : machine, i);
		const char *event = i % 4 < 2 ? "rush" : "other";
		while (!ask_patiently(store, event, key, &answer)) {
			store_close(store);
			store = open_as_machine(machine);
		}
		if (answer.outcome != BOOKING_DONE && answer.outcome != BOOKING_SOLD_OUT) {
			return 1; /* the event is there, however often its row changes */
		}
	}
	store_close(store);
	return 0;
}

Test(machines_postgres, sell_each_ticket_once_and_each_key_once)
{
	int numbers[MACHINES];
	struct child children[MACHINES];
	struct store *store = open_store();
	make_event(store, "rush", STOCK / 2);
	make_event(store, "other", STOCK / 2);
	for (int i = 0; i < MACHINES; i++) {
		numbers[i] = i + 1;
		children[i] = child_start(buy_as_machine, &numbers[i]);
	}
	for (int i = 0; i < MACHINES; i++) {
		cr_expect_eq(child_join(&children[i]), 0);
	}
	cr_expect_eq(ask_alone(store, BOOKING_BOOK, "rush", 1, "").left, 0);
	cr_expect_eq(ask_alone(store, BOOKING_BOOK, "other", 1, "").left, 0);
	expect_sound(store);
	store_close(store);
}

/* How many it made of those that all want; more than there are when it failed. */
static int make_events_as_machine(void *argument)
{
	int made = 0;
	struct store *store = open_as_machine(*(int *)argument);
	for (int i = 0; i < EVENTS; i++) {
		struct booking_request request = { .verb = BOOKING_EVENT_NEW, .quantity = STOCK };
		struct booking_answer answer;
		snprintf(request.event, sizeof(request.event), "event-%d", i);
		const struct store_needs unknown = { .server = 0 };
		const struct booking_context context = { .store = store, .wall_ns = 1 };
		if (!store_take(store, NS_PER_SECOND)) {
			return FAILED;
		}
		store_foresee(store, &unknown);
		bool good = store_begin(store) == STORE_OK;
		booking_carry_out(&context, &request, &answer);
		good = good && store_commit(store) == STORE_OK;
		store_give(store);
		if (!good || answer.outcome == BOOKING_FAILED) {
			return FAILED;
		}
		made += answer.outcome == BOOKING_DONE;
	}
	store_close(store);
	return made;
}

Test(machines_postgres, make_an_event_once_when_all_start_at_the_same_moment)
{
	int numbers[MACHINES];
	int made = 0;
	struct child children[MACHINES];
	store_close(open_store());
	for (int i = 0; i < MACHINES; i++) {
		numbers[i] = i + 1;
		children[i] = child_start(make_events_as_machine, &numbers[i]);
	}
	for (int i = 0; i < MACHINES; i++) {
		made += child_join(&children[i]);
	}
	cr_expect_eq(made, EVENTS);
}

/* One that was cut off in the middle keeps others waiting for so long, and no longer. */
Test(machines_postgres, one_that_stops_in_the_middle_is_given_up_and_cannot_commit)
{
	struct booking_answer answer;
	struct store *stopped = open_as_machine(1);
	make_event(stopped, "rush", 10);
	begin(stopped);
	cr_assert_eq(ask(stopped, BOOKING_BOOK, "rush", 1, "").outcome, BOOKING_DONE);
	struct store *store = open_as_machine(2);
	int64_t began_ns = clock_monotonic_ns();
	cr_expect_not(ask_patiently(store, "rush", "k", &answer));
	cr_expect_lt(clock_monotonic_ns() - began_ns, REFUSED_WITHIN_NS);
	cr_expect_eq(store_hindrance(store), STORE_WRITTEN, "%s", store_error(store));
	cr_expect(eventually(ask_patiently(store, "rush", "k", &answer)));
	cr_expect_eq(store_commit(stopped), STORE_FAILED);
	cr_expect_eq(store_hindrance(stopped), STORE_AWAY);
	store_give(stopped);
	cr_expect_eq(answer.left, 9, "what was not committed is not sold");
	store_close(stopped);
	store_close(store);
}

Test(machines_postgres, who_asks_what_became_of_a_batch_ends_it)
{
	int64_t last = -1;
	const struct store_needs needs = { .server = SERVER };
	struct store *slow = open_as_machine(1);
	make_event(slow, "rush", 10);
	cr_assert(store_take(slow, 0));
	store_foresee(slow, &needs);
	cr_assert_eq(store_begin(slow), STORE_OK);
	cr_assert_eq(store_batch_mark(slow, SERVER, 1), STORE_OK);
	cr_assert_eq(store_commit(slow), STORE_OK);
	store_foresee(slow, &needs);
	cr_assert_eq(store_begin(slow), STORE_OK);
	struct store *store = open_as_machine(2);
	cr_assert(store_take(store, 0));
	cr_expect_eq(store_batch_last(store, SERVER, &last), STORE_FAILED, "it is not over");
	cr_expect_eq(store_hindrance(store), STORE_AWAY, "it is to be opened anew");
	store_give(store);
	store_close(store);
	store_rollback(slow);
	store = open_as_machine(2);
	cr_assert(store_take(store, 0));
	cr_expect_eq(store_batch_last(store, SERVER, &last), STORE_OK);
	cr_expect_eq(last, 1);
	store_give(store);
	store_give(slow);
	store_close(store);
	store_close(slow);
}

Test(machines_postgres, are_known_by_their_leases_and_hear_of_each_others_sales)
{
	struct store *one = open_as_machine(1);
	struct store *other = open_as_machine(2);
	make_event(one, "rush", 10);
	cr_assert(store_take(one, 0));
	cr_expect(store_serve(one, 3));
	cr_assert(store_take(other, 0));
	uint64_t before = store_servers(other);
	cr_expect_not(store_serve(other, 5), "it is not alone");
	cr_expect_neq(store_servers(other), before);
	cr_expect(store_is_served_by(other, 3));
	cr_expect(store_is_served_by(one, 5));
	cr_expect_not(store_is_served_by(one, 4));
	store_give(one);
	store_give(other);
	const struct store_needs needs = { .server = SERVER };
	cr_assert(store_take(other, 0));
	store_foresee(other, &needs); /* so what servers of this number do is its own */
	cr_assert_eq(store_begin(other), STORE_OK);
	store_rollback(other);
	(void)store_was_told(other);
	store_give(other);
	ask_alone(one, BOOKING_BOOK, "rush", 1, "");
	cr_expect(eventually(store_was_told(other)));
	store_close(one);
	store_close(other);
}

/* Whether the store is refused, with a line that says REASON. */
static bool is_refused(const char *url, const char *reason)
{
	char error[STORE_ERROR_SIZE] = "";
	struct store *store = store_open(url, error);
	store_close(store);
	cr_expect(strstr(error, reason) && !strchr(error, '\n'), "%s", error);
	return !store;
}

Test(machines_postgres, schema_of_a_newer_version_is_refused)
{
	store_close(open_store());
	scratch_run("UPDATE turnstile.store SET version = 1000");
	cr_expect(is_refused(scratch_url("s"), "newer version"));
}

Test(machines_postgres, role_without_rights_is_told_what_it_needs)
{
	char url[512];
	scratch_run("CREATE ROLE guest_of_a_test LOGIN");
	snprintf(url, sizeof(url), "%s", scratch_url("s"));
	char *user = strstr(url, "user=turnstile");
	cr_assert_not_null(user);
	snprintf(user, sizeof(url) - (size_t)(user - url), "user=guest_of_a_test");
	cr_expect(is_refused(url, "docs/cluster.md"));
	scratch_run("DROP ROLE guest_of_a_test");
}

Test(machines_postgres, another_database_in_the_place_of_the_one_before_is_refused)
{
	char error[STORE_ERROR_SIZE] = "";
	store_close(open_store());
	scratch_run("UPDATE turnstile.store SET identity = identity + 2");
	cr_expect_null(store_open_made(scratch_url("s"), NS_PER_SECOND, error));
	cr_expect_not_null(strstr(error, "another store than before"), "%s", error);
	scratch_run("DROP SCHEMA turnstile CASCADE");
	cr_expect_null(store_open_made(scratch_url("s"), NS_PER_SECOND, error));
	cr_expect_not_null(strstr(error, "is gone"), "%s", error);
}
