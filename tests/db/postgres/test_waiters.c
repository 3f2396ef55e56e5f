/*
 * The row of people who wait on several machines, when things go wrong: a commit whose fate nobody
 * knows, a machine that is silent for too long, one that has missed too much, a database that was
 * put back. Whatever it is, nobody is offered anything twice, and who is still there waits.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "db/booking/booking.h"
#include "db/booking/lapse.h"
#include "db/booking/waiters.h"
#include "db/open.h"
#include "db/store/tickets.h"
#include "shared/base/clock.h"
#include "tests/db/scratch.h"

#define TOTAL      3
#define OFFERS_MAX 8

/* A machine, known as the server of its number. */
struct machine {
	uint32_t server;
	struct store *store;
	struct waitlist *list;
};

static struct machine one, two;
static struct store_needs needs;
static struct booking_offer told[OFFERS_MAX]; /* by the last batch */
static size_t told_count;
static int64_t later_ns; /* than the database's clock */

/* It says that it is there. */
static void renew(const struct machine *machine)
{
	cr_assert(store_take(machine->store, NS_PER_SECOND));
	cr_assert_eq(store_renew(machine->store, machine->server), STORE_OK);
	store_give(machine->store);
}

static void make_machine(struct machine *machine, uint32_t server)
{
	char folder[32];
	snprintf(folder, sizeof(folder), "machine-%u", server);
	(void)mkdir(scratch_path(folder), 0700);
	store_lock_in(scratch_path(folder));
	machine->server = server;
	machine->store = open_store();
	machine->list = calloc(1, sizeof(*machine->list));
	waitlist_init(machine->list);
	renew(machine);
}

static void set_up(void)
{
	scratch_use("postgres");
	scratch_make();
	make_machine(&one, 1);
	make_machine(&two, 2);
	make_event(one.store, "rush", TOTAL);
}

static void tear_down(void)
{
	store_close(one.store);
	store_close(two.store);
	free(one.list);
	free(two.list);
	scratch_remove();
}

TestSuite(waiters_postgres, .init = set_up, .fini = tear_down);

static struct booking_offer *place_for_offer(void *context, uint32_t worker)
{
	(void)context;
	cr_assert_eq(worker, 0, "it is connected here");
	cr_assert_lt(told_count, OFFERS_MAX);
	return &told[told_count++];
}

static struct booking_context context_of(const struct machine *machine)
{
	return (struct booking_context){ .store = machine->store,
					 .waitlist = machine->list,
					 .server = machine->server,
					 .offer = place_for_offer };
}

/* What becomes of a batch in the store, and in its machine's memory. */
enum fate { DONE, FAILS, IS_LOST_SIGHT_OF };

static void end_batch(const struct machine *machine, enum fate fate)
{
	if (fate == FAILS) {
		store_rollback(machine->store);
	} else {
		cr_assert_eq(store_commit(machine->store), STORE_OK, "%s",
			     store_error(machine->store));
	}
	if (fate == DONE) {
		waitlist_commit(machine->list);
	} else {
		waitlist_roll_back(machine->list);
	}
	store_give(machine->store);
}

/* A batch of one request (NULL: of none); what is due is done, too. */
static struct booking_answer batch(const struct machine *machine,
				   const struct booking_request *request, enum fate fate)
{
	struct booking_context context = context_of(machine);
	struct booking_answer answer = { .outcome = BOOKING_DONE };
	int64_t next_ns;
	told_count = 0;
	needs = (struct store_needs){ .gone = true };
	booking_waiters_foresee(&context, true, &needs);
	if (request) {
		booking_foresee(&context, request, &needs);
	}
	cr_assert(store_take(machine->store, NS_PER_SECOND));
	store_foresee(machine->store, &needs);
	cr_assert_eq(store_begin(machine->store), STORE_OK, "%s", store_error(machine->store));
	context.wall_ns = store_wall_ns(machine->store, 0) + later_ns;
	cr_assert(booking_waiters_read(&context));
	if (request) {
		booking_carry_out(&context, request, &answer);
	}
	cr_assert(booking_lapse(&context, OFFERS_MAX, &next_ns) && booking_lapse_gone(&context) &&
		  booking_waiters_write(&context));
	end_batch(machine, fate);
	return answer;
}

static struct booking_request request_of(const struct machine *machine, enum booking_verb verb,
					 uint32_t guest)
{
	return (struct booking_request){ .verb = verb,
					 .quantity = 1,
					 .event = "rush",
					 .client = { .session = (uint64_t)machine->server << 32 |
								guest } };
}

static uint32_t wait_on(const struct machine *machine, uint32_t guest)
{
	const struct booking_request request = request_of(machine, BOOKING_WAIT, guest);
	struct booking_answer answer = batch(machine, &request, DONE);
	cr_assert_eq(answer.outcome, BOOKING_DONE);
	return answer.position;
}

/* All that there is is sold; what comes back is cancelled on MACHINE, whose batch fares so. */
static char codes[TOTAL][CODE_SIZE];

static void sell_out(void)
{
	for (int i = 0; i < TOTAL; i++) {
		struct booking_request request = request_of(&one, BOOKING_BOOK, 0);
		memcpy(codes[i], batch(&one, &request, DONE).code, CODE_SIZE);
	}
}

static void cancel(const struct machine *machine, int ticket, enum fate fate)
{
	struct booking_request request = request_of(machine, BOOKING_CANCEL, 0);
	memcpy(request.code, codes[ticket], CODE_SIZE);
	cr_assert_eq(batch(machine, &request, fate).outcome, BOOKING_DONE);
}

static void expect_offer_to(const struct machine *machine, uint32_t guest)
{
	cr_assert_eq(told_count, 1);
	cr_expect_eq(told[0].client.session, (uint64_t)machine->server << 32 | guest);
	cr_expect_str_eq(told[0].event, "rush");
	struct booking_request request = request_of(machine, BOOKING_CONFIRM, guest);
	memcpy(request.code, told[0].code, CODE_SIZE);
	cr_expect_eq(batch(machine, &request, DONE).outcome, BOOKING_DONE);
}

static void expect_nothing_more(void)
{
	batch(&one, NULL, DONE);
	cr_expect_eq(told_count, 0);
	batch(&two, NULL, DONE);
	cr_expect_eq(told_count, 0);
}

Test(waiters_postgres, what_comes_back_goes_by_the_row_whichever_machine_it_is_on)
{
	sell_out();
	cr_expect_eq(wait_on(&two, 7), 1);
	cr_expect_eq(wait_on(&one, 8), 2);
	cr_expect_eq(wait_on(&two, 9), 3);
	cancel(&one, 0, DONE);
	cr_expect_eq(told_count, 0, "it is told on the other machine");
	cr_expect_eq(wait_on(&one, 8), 1);
	batch(&two, NULL, DONE);
	expect_offer_to(&two, 7);
	cancel(&two, 1, DONE);
	batch(&one, NULL, DONE);
	expect_offer_to(&one, 8);
	cr_expect_eq(wait_on(&two, 9), 1);
	expect_nothing_more();
}

Test(waiters_postgres, offer_that_could_not_be_told_with_a_batch_is_told_with_the_next)
{
	sell_out();
	wait_on(&two, 7);
	cancel(&one, 0, DONE);
	batch(&two, NULL, FAILS);
	cr_expect_eq(told_count, 1);
	batch(&two, NULL, DONE);
	expect_offer_to(&two, 7);
	expect_nothing_more();
}

Test(waiters_postgres, offer_of_a_batch_that_was_lost_sight_of_is_told_once)
{
	sell_out();
	wait_on(&one, 7);
	wait_on(&two, 8);
	cancel(&one, 0, IS_LOST_SIGHT_OF);
	batch(&one, NULL, DONE);
	expect_offer_to(&one, 7);
	expect_nothing_more();
	cr_expect_eq(wait_on(&two, 8), 1);
}

Test(waiters_postgres, who_asked_in_a_batch_that_was_lost_sight_of_has_its_place)
{
	const struct booking_request request = request_of(&one, BOOKING_WAIT, 7);
	sell_out();
	batch(&one, &request, IS_LOST_SIGHT_OF);
	cr_expect_eq(wait_on(&two, 8), 2);
	cr_expect_eq(wait_on(&one, 7), 1);
	cancel(&two, 0, DONE);
	batch(&one, NULL, DONE);
	expect_offer_to(&one, 7);
}

Test(waiters_postgres, who_waits_on_a_silent_machine_is_passed_by_and_queues_anew_when_it_is_back)
{
	sell_out();
	cr_expect_eq(wait_on(&one, 7), 1);
	cr_expect_eq(wait_on(&two, 8), 2);
	scratch_run("UPDATE turnstile.leases SET until = now() WHERE server = 1");
	batch(&two, NULL, DONE);
	cr_expect_eq(wait_on(&two, 8), 1);
	renew(&one);
	batch(&one, NULL, DONE);
	cr_expect_eq(wait_on(&two, 9), 3, "another one is before it");
	cr_expect_eq(wait_on(&one, 7), 2, "at the end, without having asked again");
	cancel(&one, 0, DONE);
	batch(&two, NULL, DONE);
	expect_offer_to(&two, 8);
	cr_expect_eq(wait_on(&one, 7), 1);
	expect_nothing_more();
}

Test(waiters_postgres, offer_that_is_over_before_it_is_told_is_none)
{
	sell_out();
	wait_on(&two, 7);
	cancel(&one, 0, DONE);
	later_ns = BOOKING_HOLD_SECONDS * NS_PER_SECOND + 1;
	wait_on(&one, 8); /* which has what lapsed */
	expect_offer_to(&one, 8);
	batch(&two, NULL, DONE);
	cr_expect_eq(told_count, 0);
	cr_expect_eq(wait_on(&two, 7), 1, "it waits anew");
	cancel(&one, 1, DONE);
	batch(&two, NULL, DONE);
	expect_offer_to(&two, 7);
}

Test(waiters_postgres, who_has_missed_too_much_reads_all)
{
	sell_out();
	wait_on(&one, 7);
	wait_on(&two, 8);
	const struct booking_request leaves = request_of(&one, BOOKING_RELEASE, 7);
	batch(&one, &leaves, DONE);
	wait_on(&one, 9);
	scratch_run("DELETE FROM turnstile.waiters WHERE NOT waits");
	scratch_run("UPDATE turnstile.store SET waiters_floor = waiters_last");
	cr_expect_eq(wait_on(&two, 8), 1);
	cr_expect_eq(wait_on(&two, 10), 3);
	cr_expect_eq(wait_on(&one, 9), 2);
}

Test(waiters_postgres, marks_of_who_left_are_kept_for_long_and_not_for_ever)
{
	sell_out();
	wait_on(&one, 7);
	const struct booking_request leaves = request_of(&one, BOOKING_RELEASE, 7);
	batch(&one, &leaves, DONE);
	scratch_run("UPDATE turnstile.store SET waiters_last = 20 * 1024 - 1"); /* much later */
	wait_on(&two, 8);
	wait_on(&one, 9);
	scratch_run("SELECT 1 / (count(*) = 2)::int FROM turnstile.waiters");
	cr_expect_eq(wait_on(&two, 8), 1);
	cr_expect_eq(wait_on(&one, 9), 2);
}

Test(waiters_postgres, who_waits_still_waits_when_an_older_database_was_put_back)
{
	sell_out();
	wait_on(&one, 7);
	wait_on(&two, 8);
	scratch_run("DELETE FROM turnstile.waiters");
	scratch_run("UPDATE turnstile.store SET waiters_last = 0");
	batch(&one, NULL, DONE);
	batch(&two, NULL, DONE);
	cr_expect_eq(wait_on(&one, 7), 1);
	cr_expect_eq(wait_on(&two, 8), 2);
	cancel(&two, 0, DONE);
	batch(&one, NULL, DONE);
	expect_offer_to(&one, 7);
}
