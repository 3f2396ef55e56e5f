#include "client/race/scheduler.h"

#include <inttypes.h>

#include "client/race/buyer.h"
#include "client/race/schedule.h"
#include "client/race/stop.h"
#include "shared/base/clock.h"
#include "shared/process/process.h"

#define PATIENCE_NS (20 * NS_PER_SECOND) /* for a step, which takes milliseconds */
#define LOOK_NS     (5 * NS_PER_MS)      /* how often a wait looks whether the process ended */

struct scheduler {
	const struct race_plan *plan;
	struct race_heat *heat;
	const signal_flag *stop;
	struct model model;
	struct process *children[MODEL_BUYERS_MAX];
	char *problem;
};

/* Until it stands before its next step, or has ended. */
static bool wait_for(struct scheduler *scheduler, unsigned buyer)
{
	struct race_stop *stop = &scheduler->heat->stops[buyer];
	int64_t deadline_ns = clock_monotonic_ns() + PATIENCE_NS;

	while (!latch_wait(&stop->arrived, LOOK_NS) && process_alive(scheduler->children[buyer])) {
		if (*scheduler->stop || clock_monotonic_ns() > deadline_ns) {
			snprintf(scheduler->problem, STORE_ERROR_SIZE,
				 "buyer %u does not come to its next step", buyer + 1);
			return false;
		}
	}
	return true;
}

static bool start(struct scheduler *scheduler, unsigned buyer)
{
	struct race_errand errand = { scheduler->plan, scheduler->heat, buyer };

	scheduler->children[buyer] = race_buyer_start(&errand, scheduler->problem);
	return scheduler->children[buyer] && wait_for(scheduler, buyer);
}

static void kill_buyer(struct scheduler *scheduler, unsigned buyer)
{
	struct race_buyer *notes = &scheduler->heat->buyers[buyer];

	process_kill(scheduler->children[buyer]);
	process_join(scheduler->children[buyer], PROCESS_FOREVER);
	notes->killed_ns = clock_monotonic_ns();
	if (notes->outcome == RACE_UNFINISHED) {
		notes->outcome = RACE_KILLED;
	}
}

static bool let_go(struct scheduler *scheduler, struct race_step step)
{
	struct race_stop *stop = &scheduler->heat->stops[step.buyer];

	if (!latch_is_set(&stop->arrived) || stop->before != step.letter) {
		snprintf(scheduler->problem, STORE_ERROR_SIZE, "%u%c: buyer %u is not there",
			 step.buyer + 1, step.letter, step.buyer + 1);
		return false;
	}
	race_stop_let_go(stop);
	return wait_for(scheduler, step.buyer);
}

static bool take(struct scheduler *scheduler, struct race_step step)
{
	char reason[MODEL_REASON_SIZE];

	if (!scheduler->children[step.buyer] && !start(scheduler, step.buyer)) {
		return false;
	}
	if (step.letter == 'x') {
		kill_buyer(scheduler, step.buyer);
	} else if (!let_go(scheduler, step)) {
		return false;
	}
	model_take(&scheduler->model, step, reason);
	if (!scheduler->plan->quiet) {
		schedule_print_step(&scheduler->model, step, stdout);
		fflush(stdout);
	}
	return true;
}

/* All stand before their first step; but with join each is started in its turn. */
static bool start_all(struct scheduler *scheduler)
{
	bool good = true;

	for (unsigned i = 0; good && i < scheduler->heat->count; i++) {
		good = scheduler->heat->strategy == RACE_JOIN || start(scheduler, i);
	}
	return good;
}

static bool take_all(struct scheduler *scheduler)
{
	const struct race_schedule *schedule = scheduler->plan->schedule;
	bool good = true;

	for (size_t i = 0; good && i < schedule->count; i++) {
		good = take(scheduler, schedule->steps[i]) && !*scheduler->stop;
		/* For those who watch, and for the picture: steps lie apart. */
		clock_sleep(race_think_ns(scheduler->plan, schedule->steps[i].buyer, (unsigned)i));
	}
	return good;
}

bool race_scheduler_run(const struct race_plan *plan, struct race_heat *heat,
			const signal_flag *stop, char *problem)
{
	struct scheduler scheduler = { .plan = plan,
				       .heat = heat,
				       .stop = stop,
				       .model = model_start(heat->strategy, heat->count,
							    heat->tickets),
				       .problem = problem };

	heat->start_ns = clock_monotonic_ns();
	bool good = start_all(&scheduler) && take_all(&scheduler);
	for (unsigned i = 0; i < heat->count; i++) {
		process_destroy(scheduler.children[i]);
	}
	heat->end_ns = clock_monotonic_ns();
	return good;
}

static bool same_buyer(const struct model_buyer *model, const struct race_buyer *notes)
{
	bool has_read = model->place >= MODEL_READ && model->place < MODEL_KILLED;

	return model->bought == (notes->outcome == RACE_BOUGHT) &&
	       (!has_read || model->read == notes->read);
}

bool race_scheduler_compare(const struct race_plan *plan, const struct race_heat *heat, FILE *to)
{
	struct model model = model_start(heat->strategy, heat->count, heat->tickets);
	char problem[SCHEDULE_PROBLEM_SIZE];
	int64_t counted = heat->tickets - heat->verdict.counter;

	schedule_follow(plan->schedule, &model, problem);
	bool same = model.sold == heat->verdict.sold && model.left == counted;
	for (unsigned i = 0; i < heat->count; i++) {
		same = same_buyer(&model.buyer[i], &heat->buyers[i]) && same;
	}
	if (to) {
		fprintf(to,
			"  the store: %" PRId64 " sold of %" PRId64 ", it says %" PRId64
			" left; the model: %" PRId64 " sold, %" PRId64 " left: %s\n",
			heat->verdict.sold, heat->tickets, counted, model.sold, model.left,
			same ? "the same" : "NOT the same");
	}
	return same;
}
