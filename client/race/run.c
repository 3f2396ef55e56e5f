#include "client/race/run.h"

#include <stdio.h>
#include <string.h>

#include "client/race/buyer.h"
#include "client/race/guard.h"
#include "client/race/scheduler.h"
#include "client/race/stop.h"
#include "client/race/verdict.h"
#include "db/booking/booking.h"
#include "db/open.h"
#include "db/store/tickets.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"
#include "shared/process/process.h"

#define LOCK_WAIT_NS (10 * NS_PER_SECOND)
#define LOOK_NS      (50 * NS_PER_MS) /* how often a wait looks whether it is to stop */
#define EVENTS_MAX   1000000          /* races in one store */

static bool refuse(char *problem, const char *what)
{
	snprintf(problem, STORE_ERROR_SIZE, "%s", what);
	return false;
}

/* Calls WORK in a transaction on the store. */
static bool with_store(const char *url, bool (*work)(struct store *store, struct race_heat *heat),
		       struct race_heat *heat, char *problem)
{
	struct store *store = store_open(url, problem);

	if (!store) {
		return false;
	}
	if (!store_take(store, LOCK_WAIT_NS)) {
		store_close(store);
		return refuse(problem, "the store's lock is held by another program");
	}
	bool good = store_begin(store) == STORE_OK && work(store, heat) &&
		    store_commit(store) == STORE_OK;
	if (!good) {
		refuse(problem, store_error(store));
	}
	store_rollback(store);
	store_give(store);
	store_close(store);
	return good;
}

/* An event of this heat's own: "race-lock-1", or the first number that is free. */
static bool make_event(struct store *store, struct race_heat *heat)
{
	const struct booking_context rules = { .store = store, .wall_ns = clock_wall_ns() };
	struct booking_request request = { .verb = BOOKING_EVENT_NEW, .quantity = heat->tickets };
	struct booking_answer answer = { .outcome = BOOKING_EXISTS };

	for (int i = 1; i < EVENTS_MAX && answer.outcome == BOOKING_EXISTS; i++) {
		snprintf(heat->event, sizeof(heat->event), "race-%s-%d",
			 race_strategy_name(heat->strategy), i);
		memcpy(request.event, heat->event, sizeof(request.event));
		booking_carry_out(&rules, &request, &answer);
	}
	return answer.outcome == BOOKING_DONE;
}

/* The truth: the tickets themselves, and what the counter makes of them. */
static bool count_tickets(struct store *store, struct race_heat *heat)
{
	struct store_event *event;

	if (store_event_find(store, heat->event, &event) != STORE_OK) {
		return false;
	}
	struct tally tally = { .event = *event };
	bool good = store_event_count(store, &tally) == STORE_OK;

	heat->verdict.counter = event->sold;
	heat->verdict.sold = tally.sold;
	return good;
}

/* Waits for its end, and forgets it; false when it is to stop. */
static bool join(struct process **child, const signal_flag *stop)
{
	while (!*stop && !process_join(*child, LOOK_NS)) {
		/* again */
	}
	process_destroy(*child);
	*child = NULL;
	return !*stop;
}

/* One process at a time: join. Or all, and then each is waited for. */
static bool run_buyers(const struct race_plan *plan, struct race_heat *heat,
		       const signal_flag *stop, char *problem)
{
	struct process *children[RACE_BUYERS_MAX] = { NULL };
	struct race_errand errand = { .plan = plan, .heat = heat };
	bool good = true;

	heat->start_ns = clock_monotonic_ns();
	for (; good && errand.buyer < heat->count; errand.buyer++) {
		struct process **child = &children[errand.buyer];
		*child = race_buyer_start(&errand, problem);
		good = *child != NULL;
		if (good && heat->strategy == RACE_JOIN) {
			good = join(child, stop);
		}
	}
	for (unsigned i = 0; i < heat->count; i++) {
		if (!good) {
			process_destroy(children[i]);
		} else if (children[i]) {
			good = join(&children[i], stop);
		}
	}
	heat->end_ns = clock_monotonic_ns();
	return good;
}

/* A buyer that was killed, or was not let go to its end, did nothing more from then on. */
static void fill_in_moments(struct race_heat *heat)
{
	for (unsigned i = 0; i < heat->count; i++) {
		struct race_buyer *notes = &heat->buyers[i];
		int64_t end_ns = notes->killed_ns != 0 ? notes->killed_ns : heat->end_ns;
		for (enum race_moment moment = 0; moment < RACE_MOMENTS; moment++) {
			if (notes->at_ns[moment] == 0) {
				notes->at_ns[moment] = end_ns;
			}
		}
	}
}

static bool all_finished(const struct race_heat *heat, char *problem)
{
	for (unsigned i = 0; i < heat->count; i++) {
		if (heat->buyers[i].outcome == RACE_FAILED) {
			return refuse(problem, heat->buyers[i].problem);
		}
		if (heat->buyers[i].outcome == RACE_UNFINISHED && !heat->stops) {
			return refuse(problem, "a buyer was killed");
		}
	}
	return true;
}

static void heat_init(struct race_heat *heat, const struct race_plan *plan,
		      enum race_strategy strategy)
{
	size_t buyers_size = plan->buyers * sizeof(struct race_buyer);
	size_t stops_size = plan->schedule ? plan->buyers * sizeof(struct race_stop) : 0;

	*heat = (struct race_heat){ .strategy = strategy,
				    .count = plan->buyers,
				    .tickets = plan->tickets };
	memory_init(&heat->memory, "race",
		    buyers_size + race_guard_size() + stops_size + (size_t)3 * CACHE_LINE);
	heat->buyers = memory_take(&heat->memory, buyers_size, CACHE_LINE);
	heat->guard = memory_take(&heat->memory, race_guard_size(), CACHE_LINE);
	race_guard_init(heat->guard, strategy);
	if (plan->schedule) {
		heat->stops = memory_take(&heat->memory, stops_size, CACHE_LINE);
	}
}

static bool run_all(const struct race_plan *plan, struct race_heat *heat, const signal_flag *stop,
		    char *problem)
{
	bool good = plan->schedule ? race_scheduler_run(plan, heat, stop, problem)
				   : run_buyers(plan, heat, stop, problem);

	fill_in_moments(heat);
	return good;
}

bool race_heat_run(struct race_heat *heat, const struct race_plan *plan,
		   enum race_strategy strategy, const signal_flag *stop, char *problem)
{
	heat_init(heat, plan, strategy);
	if (!with_store(plan->url, make_event, heat, problem) ||
	    !run_all(plan, heat, stop, problem) || !all_finished(heat, problem) ||
	    !with_store(plan->url, count_tickets, heat, problem)) {
		return false;
	}
	race_judge(heat);
	return true;
}

void race_heat_finish(struct race_heat *heat)
{
	memory_finish(&heat->memory);
}
