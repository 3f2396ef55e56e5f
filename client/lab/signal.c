/* Waiting for one another: event, condition, barrier. */
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#include "client/lab/children.h"
#include "client/lab/experiments.h"
#include "client/lab/report.h"
#include "client/lab/timeline.h"
#include "shared/sync/barrier.h"
#include "shared/sync/condition.h"
#include "shared/sync/latch.h"
#include "shared/sync/mutex.h"

#define CARS     6
#define STROKES  10
#define RUNNERS  5
#define SHORT_NS (20 * NS_PER_MS)

/*
 * event. Python: e = Event(); the cars do e.wait(), the traffic light e.set() and e.clear().
 */

struct crossing {
	struct latch green;
	_Atomic unsigned waiting;
	_Atomic unsigned over;
	_Atomic unsigned too_soon;
	_Atomic int64_t green_ns;
};

static void drive(struct lab *lab, void *shared, unsigned number)
{
	struct crossing *crossing = shared;

	clock_sleep(number * 10 * NS_PER_MS);
	int64_t came_ns = clock_monotonic_ns();
	atomic_fetch_add(&crossing->waiting, 1);
	if (!latch_wait(&crossing->green, LAB_PATIENCE_NS)) {
		return;
	}
	lab_note(lab, number, LAB_WAITS, "red", came_ns);
	int64_t go_ns = clock_monotonic_ns();
	int64_t green_ns = atomic_load(&crossing->green_ns);
	atomic_fetch_add(&crossing->too_soon, green_ns == 0 || go_ns < green_ns);
	clock_sleep(2 * SHORT_NS);
	lab_note(lab, number, LAB_WORKS, "green", go_ns);
	atomic_fetch_add(&crossing->over, 1);
}

static bool all_wait(void *context)
{
	struct crossing *crossing = context;

	return atomic_load(&crossing->waiting) == CARS;
}

void lab_event(struct lab *lab)
{
	struct crossing *crossing = lab_share(lab, sizeof(*crossing));
	struct lab_children children = { 0 };

	lab_say(lab, "%d cars come one after the other to a traffic light, which is red.", CARS);
	lab_part(lab, "a traffic light", "car");
	lab_children_start(lab, &children, CARS, drive, crossing);
	bool stood = lab_eventually(all_wait, crossing);
	bool timed_out = !latch_wait(&crossing->green, SHORT_NS);
	unsigned over_at_red = atomic_load(&crossing->over);
	atomic_store(&crossing->green_ns, clock_monotonic_ns());
	latch_set(&crossing->green);
	lab_children_join(lab, &children);
	lab_show_timeline(lab);
	lab_expect(lab, stood && over_at_red == 0, "while it was red, nobody crossed");
	lab_expect(lab, timed_out, "who waits for it with a time-out is told that it is still red");
	lab_expect(lab,
		   atomic_load(&crossing->over) == CARS && atomic_load(&crossing->too_soon) == 0,
		   "one set, and all %d went", CARS);
	lab_expect(lab, latch_wait(&crossing->green, 0), "who comes later finds it green");
	latch_clear(&crossing->green);
	lab_expect(lab, !latch_wait(&crossing->green, 0), "cleared, it is red again");
}

/*
 * condition. Python: con = Condition(); two threads do `with con: con.wait_for(...)`, say their
 * line, and con.notify() the other: a dialogue in turns.
 */

struct match {
	struct mutex mutex;
	struct condition changed;
	unsigned strokes;
	char log[STROKES];
};

struct player {
	struct match *match;
	unsigned number;
};

static bool is_my_turn(void *context)
{
	const struct player *player = context;

	return player->match->strokes % 2 == player->number;
}

static void play(struct lab *lab, void *shared, unsigned number)
{
	struct match *match = shared;
	struct player player = { match, number };

	(void)lab;
	for (unsigned i = 0; i < STROKES / 2; i++) {
		mutex_lock(&match->mutex, NULL);
		if (condition_wait_for(&match->changed, is_my_turn, &player, LAB_PATIENCE_NS)) {
			match->log[match->strokes++] = number == 0 ? 'i' : 'o';
		}
		condition_notify_all(&match->changed);
		mutex_unlock(&match->mutex);
	}
}

void lab_condition(struct lab *lab)
{
	struct match *match = lab_share(lab, sizeof(*match));
	char text[STROKES * 5 + 1] = " "; /* " ping pong ..." */
	bool in_turns = true;

	lab_say(lab, "Two players hit a ball in turns: each waits until it is its turn, and the "
		     "lock is");
	lab_say(lab, "free for the other while it waits.");
	mutex_init(&match->mutex, MUTEX_PLAIN);
	condition_init(&match->changed, &match->mutex, NULL);
	lab_children_run(lab, 2, play, match);
	for (unsigned i = 0; i < match->strokes; i++) {
		memcpy(text + (size_t)i * 5, match->log[i] == 'i' ? " ping" : " pong", 6);
		in_turns = in_turns && match->log[i] == (i % 2 == 0 ? 'i' : 'o');
	}
	lab_show(lab, "heard", "%s", text + 1);
	lab_expect(lab, match->strokes == STROKES, "each hit it %d times", STROKES / 2);
	lab_expect(lab, in_turns, "always in turns");
	mutex_lock(&match->mutex, NULL);
	lab_expect(lab, !condition_wait(&match->changed, SHORT_NS),
		   "when nobody notifies, a wait with a time-out ends");
	mutex_unlock(&match->mutex);
}

/*
 * barrier. Python: barrier = Barrier(5); every runner does barrier.wait(); barrier.abort() and
 * BrokenBarrierError.
 */

struct start_line {
	struct barrier barrier;
	struct barrier pair; /* for the one who is killed, and the one who waits for it */
	struct latch registered;
	_Atomic int64_t arrived_ns[RUNNERS];
	_Atomic int64_t left_ns[RUNNERS];
	_Atomic unsigned places; /* a bit for each number that was given out */
};

static void run(struct lab *lab, void *shared, unsigned number)
{
	struct start_line *line = shared;

	clock_sleep(number * 20 * NS_PER_MS);
	int64_t arrived_ns = clock_monotonic_ns();
	atomic_store(&line->arrived_ns[number], arrived_ns);
	int place = barrier_wait(&line->barrier, LAB_PATIENCE_NS);
	lab_note(lab, number, LAB_WAITS, "waits", arrived_ns);
	if (place == BARRIER_BROKEN) {
		return;
	}
	int64_t left_ns = clock_monotonic_ns();
	atomic_store(&line->left_ns[number], left_ns);
	atomic_fetch_or(&line->places, 1U << place);
	clock_sleep(2 * SHORT_NS);
	lab_note(lab, number, LAB_WORKS, "runs", left_ns);
}

static bool all_left_after_the_last_arrived(const struct start_line *line)
{
	int64_t last_ns = 0;
	bool good = true;

	for (unsigned i = 0; i < RUNNERS; i++) {
		int64_t arrived_ns = atomic_load(&line->arrived_ns[i]);
		last_ns = arrived_ns > last_ns ? arrived_ns : last_ns;
	}
	for (unsigned i = 0; i < RUNNERS; i++) {
		good = good && atomic_load(&line->left_ns[i]) >= last_ns;
	}
	return good;
}

static int register_and_die(void *argument)
{
	struct start_line *line = argument;

	barrier_register(&line->pair);
	latch_set(&line->registered);
	raise(SIGKILL);
	return 0;
}

void lab_barrier(struct lab *lab)
{
	struct start_line *line = lab_share(lab, sizeof(*line));

	lab_say(lab, "%d runners come to the start line one after the other, and start together.",
		RUNNERS);
	barrier_init(&line->barrier, RUNNERS);
	barrier_init(&line->pair, 2);
	lab_part(lab, "the start line", "runner");
	lab_children_run(lab, RUNNERS, run, line);
	lab_show_timeline(lab);
	lab_expect(lab, all_left_after_the_last_arrived(line),
		   "nobody left before the last had arrived");
	lab_expect(lab, atomic_load(&line->places) == (1U << RUNNERS) - 1,
		   "each was given another number, 0 to %d", RUNNERS - 1);
	lab_finish(lab, lab_start("killed", register_and_die, line));
	lab_expect(lab, barrier_wait(&line->pair, FUTEX_FOREVER) == BARRIER_BROKEN,
		   "who waits for one that was killed is told so (in Python: waits for ever)");
}
