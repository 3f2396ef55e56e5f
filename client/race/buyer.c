#include "client/race/buyer.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "client/race/guard.h"
#include "db/booking/stale.h"
#include "db/open.h"
#include "shared/base/clock.h"

#define SAYING_SIZE 128 /* bytes of a line that a buyer says */

enum turn { TURN_SEARCH, TURN_PURCHASE };

struct purchase {
	const struct race_errand *errand;
	struct race_buyer *notes;
	struct store *store;
};

static void note(const struct purchase *purchase, enum race_moment moment)
{
	purchase->notes->at_ns[moment] = clock_monotonic_ns();
}

/* One write(2) a line, so that those of several buyers do not mix. */
__attribute__((format(printf, 2, 3))) static void say(const struct purchase *purchase,
						      const char *format, ...)
{
	char line[SAYING_SIZE];
	va_list arguments;

	if (purchase->errand->plan->quiet) {
		return;
	}
	int start = snprintf(line, sizeof(line), "  buyer %2u: ", purchase->errand->buyer + 1);
	va_start(arguments, format);
	vsnprintf(line + start, sizeof(line) - (size_t)start, format, arguments);
	va_end(arguments);
	dprintf(STDOUT_FILENO, "%s\n", line);
}

static void think(const struct purchase *purchase, enum turn turn)
{
	clock_sleep(race_think_ns(purchase->errand->plan, purchase->errand->buyer, turn));
}

/* Within a transaction: sells one on what was SEEN a while ago (NULL: on what is there). */
static void sell(const struct purchase *purchase, const struct store_event *seen,
		 struct booking_answer *answer)
{
	const struct booking_context rules = { .store = purchase->store,
					       .wall_ns = clock_wall_ns() };
	struct booking_request request = { .verb = BOOKING_BOOK, .quantity = 1 };

	snprintf(request.event, sizeof(request.event), "%s", purchase->errand->heat->event);
	booking_stale_carry_out(&rules, seen, &request, answer);
}

static bool note_answer(const struct purchase *purchase, const struct booking_answer *answer)
{
	purchase->notes->left = answer->left;
	if (answer->outcome == BOOKING_DONE) {
		purchase->notes->outcome = RACE_BOUGHT;
	}
	if (answer->outcome == BOOKING_SOLD_OUT) {
		purchase->notes->outcome = RACE_SOLD_OUT;
	}
	return purchase->notes->outcome != RACE_UNFINISHED;
}

static bool search(const struct purchase *purchase)
{
	struct store_event seen;

	if (!booking_stale_read(purchase->store, purchase->errand->heat->event, &seen)) {
		return false;
	}
	purchase->notes->seen = seen.total - seen.sold - seen.held;
	note(purchase, RACE_LOOKED);
	say(purchase, "%lld left", (long long)purchase->notes->seen);
	think(purchase, TURN_SEARCH);
	return true;
}

static bool write_back(const struct purchase *purchase, const struct store_event *seen)
{
	struct booking_answer answer;

	if (!booking_stale_begin(purchase->store)) {
		return false;
	}
	sell(purchase, seen, &answer);
	return booking_stale_end(purchase->store, answer.outcome == BOOKING_DONE) &&
	       note_answer(purchase, &answer);
}

/* Reads, thinks, writes back. Who reads that nothing is left goes at once. */
static bool buy_step_by_step(const struct purchase *purchase)
{
	struct store_event seen;

	if (!booking_stale_read(purchase->store, purchase->errand->heat->event, &seen)) {
		return false;
	}
	note(purchase, RACE_READ);
	if (seen.sold + seen.held >= seen.total) {
		const struct booking_answer sold_out = { .outcome = BOOKING_SOLD_OUT };
		note(purchase, RACE_THOUGHT);
		return note_answer(purchase, &sold_out);
	}
	think(purchase, TURN_PURCHASE);
	note(purchase, RACE_THOUGHT);
	return write_back(purchase, &seen);
}

static bool go_in_and_buy(const struct purchase *purchase)
{
	struct race_guard *guard = purchase->errand->heat->guard;

	note(purchase, RACE_DECIDED);
	race_guard_enter(guard);
	note(purchase, RACE_ENTERED);
	bool good = buy_step_by_step(purchase);
	/* Before the guard opens, so that whoever comes next enters later by the clock, too. */
	note(purchase, RACE_LEFT);
	race_guard_leave(guard);
	return good;
}

/* All thinking is done before; within, check and sale are one. */
static bool buy_at_once(const struct purchase *purchase)
{
	struct booking_answer answer;

	think(purchase, TURN_PURCHASE);
	note(purchase, RACE_DECIDED);
	if (!booking_stale_begin(purchase->store)) {
		return false;
	}
	note(purchase, RACE_ENTERED);
	note(purchase, RACE_READ);
	note(purchase, RACE_THOUGHT);
	sell(purchase, NULL, &answer);
	bool good = store_commit(purchase->store) == STORE_OK;
	note(purchase, RACE_LEFT);
	good = store_tend(purchase->store) == STORE_OK && good;
	store_give(purchase->store);
	return good && note_answer(purchase, &answer);
}

static bool buy(const struct purchase *purchase)
{
	return purchase->errand->heat->strategy == RACE_ATOMIC ? buy_at_once(purchase)
							       : go_in_and_buy(purchase);
}

static void say_outcome(const struct purchase *purchase)
{
	if (purchase->notes->outcome == RACE_BOUGHT) {
		say(purchase, "bought one, so %lld left", (long long)purchase->notes->left);
	} else {
		say(purchase, "sold out");
	}
}

int race_buyer_run(void *argument)
{
	const struct race_errand *errand = argument;
	struct race_buyer *notes = &errand->heat->buyers[errand->buyer];
	struct purchase purchase = { .errand = errand, .notes = notes };

	notes->pid = getpid();
	purchase.store = store_open(errand->plan->url, notes->problem);
	if (!purchase.store) {
		notes->outcome = RACE_FAILED;
		return 1;
	}
	note(&purchase, RACE_STARTED);
	if (search(&purchase) && buy(&purchase)) {
		say_outcome(&purchase);
	} else {
		notes->outcome = RACE_FAILED;
		snprintf(notes->problem, sizeof(notes->problem), "%s", store_error(purchase.store));
	}
	store_close(purchase.store);
	return notes->outcome == RACE_FAILED;
}
