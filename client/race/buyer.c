#include "client/race/buyer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/race/guard.h"
#include "client/race/stop.h"
#include "db/booking/stale.h"
#include "db/open.h"
#include "db/store/tickets.h"
#include "shared/base/clock.h"

#define SAYING_SIZE 128 /* bytes of a line that a buyer says */

enum turn { TURN_SEARCH, TURN_PURCHASE };

struct purchase {
	const struct race_errand *errand;
	struct race_buyer *notes;
	struct store *store;
	struct race_stop *stop; /* NULL: it goes as it comes */
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

/* Who is stopped before each step need not think, too. */
static void think(const struct purchase *purchase, enum turn turn)
{
	if (purchase->stop) {
		return;
	}
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
	if (!purchase->stop) {
		say(purchase, "%lld left", (long long)purchase->notes->seen);
	}
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
	bool good = booking_stale_end(purchase->store, answer.outcome == BOOKING_DONE);
	note(purchase, RACE_WROTE);
	return good && note_answer(purchase, &answer);
}

static bool read_left(const struct purchase *purchase, struct store_event *seen)
{
	race_stop_before(purchase->stop, 'r');
	if (!booking_stale_read(purchase->store, purchase->errand->heat->event, seen)) {
		return false;
	}
	purchase->notes->read = seen->total - seen->sold - seen->held;
	note(purchase, RACE_READ);
	return true;
}

/* Reads, thinks, writes back. Who reads that nothing is left goes at once. */
static bool buy_step_by_step(const struct purchase *purchase)
{
	struct store_event seen;

	if (!read_left(purchase, &seen)) {
		return false;
	}
	if (purchase->notes->read <= 0) {
		const struct booking_answer sold_out = { .outcome = BOOKING_SOLD_OUT };
		note(purchase, RACE_THOUGHT);
		race_stop_before(purchase->stop, 'w');
		note(purchase, RACE_WROTE);
		return note_answer(purchase, &sold_out);
	}
	think(purchase, TURN_PURCHASE);
	note(purchase, RACE_THOUGHT);
	race_stop_before(purchase->stop, 'w');
	return write_back(purchase, &seen);
}

static bool go_in_and_buy(const struct purchase *purchase)
{
	struct race_guard *guard = purchase->errand->heat->guard;
	struct race_stop *stop = race_guard_stands(guard) ? purchase->stop : NULL;

	note(purchase, RACE_DECIDED);
	race_stop_before(stop, 'l');
	race_guard_enter(guard);
	note(purchase, RACE_ENTERED);
	bool good = buy_step_by_step(purchase);
	race_stop_before(stop, 'u');
	/* Before the guard opens, so that whoever comes next enters later by the clock, too. */
	note(purchase, RACE_LEFT);
	race_guard_leave(guard);
	return good;
}

/* Within the transaction; what is read now cannot grow old before it is sold on. */
static bool check_and_sell(const struct purchase *purchase, struct booking_answer *answer)
{
	struct store_event *event;

	note(purchase, RACE_ENTERED);
	if (store_event_find(purchase->store, purchase->errand->heat->event, &event) != STORE_OK) {
		return false;
	}
	purchase->notes->read = event->total - event->sold - event->held;
	note(purchase, RACE_READ);
	note(purchase, RACE_THOUGHT);
	race_stop_before(purchase->stop, 'w');
	sell(purchase, NULL, answer);
	return true;
}

/* All thinking is done before; within, check and sale are one. */
static bool buy_at_once(const struct purchase *purchase)
{
	struct booking_answer answer;

	think(purchase, TURN_PURCHASE);
	note(purchase, RACE_DECIDED);
	race_stop_before(purchase->stop, 'r');
	if (!booking_stale_begin(purchase->store)) {
		return false;
	}
	bool good = check_and_sell(purchase, &answer) && store_commit(purchase->store) == STORE_OK;
	note(purchase, RACE_WROTE);
	/* Before the store is free, so that whoever comes next enters later by the clock, too. */
	note(purchase, RACE_LEFT);
	good = booking_stale_end(purchase->store, false) && good;
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

/* In the process; returns its exit status. */
static int run(void *argument)
{
	const struct race_errand *errand = argument;
	struct race_buyer *notes = &errand->heat->buyers[errand->buyer];
	struct race_stop *stops = errand->heat->stops;
	struct purchase purchase = { .errand = errand,
				     .notes = notes,
				     .stop = stops ? &stops[errand->buyer] : NULL };

	notes->pid = getpid();
	purchase.store = store_open(errand->plan->url, notes->problem);
	if (!purchase.store) {
		notes->outcome = RACE_FAILED;
		return 1;
	}
	note(&purchase, RACE_STARTED);
	if (search(&purchase) && buy(&purchase)) {
		if (!purchase.stop) {
			say_outcome(&purchase);
		}
	} else {
		notes->outcome = RACE_FAILED;
		snprintf(notes->problem, sizeof(notes->problem), "%s", store_error(purchase.store));
	}
	store_close(purchase.store);
	return notes->outcome == RACE_FAILED;
}

struct process *race_buyer_start(const struct race_errand *errand, char *problem)
{
	struct race_errand mine = *errand;
	char name[PROCESS_NAME_SIZE];

	snprintf(name, sizeof(name), "buyer-%u", errand->buyer + 1);
	const struct process_options options = { .name = name, .daemon = true };
	struct process *child = process_start(&options, run, &mine);
	if (!child) {
		snprintf(problem, STORE_ERROR_SIZE, "cannot start buyer %u: %s", errand->buyer + 1,
			 strerror(errno));
	}
	return child;
}
