/* Who gets a lock next: starvation. */
#include <stdatomic.h>

#include "client/lab/children.h"
#include "client/lab/experiments.h"
#include "client/lab/report.h"
#include "client/lab/timeline.h"
#include "shared/sync/barrier.h"
#include "shared/sync/futex.h"
#include "shared/sync/mutex.h"

#define GUESTS  4
#define TURNS   6 /* that each wants */
#define TURN_NS (4 * NS_PER_MS)

/*
 * starvation. Python: `while True: with lock: work()` in one thread, and the others hardly ever get
 * the lock: it goes to whoever asks when it is free, and who has just given it back is awake.
 */

/* First come, first served, as at a counter with a roll of numbers. */
struct roll {
	_Atomic uint32_t next;   /* number to be drawn */
	_Atomic uint32_t served; /* whose turn it is */
};

struct counter {
	struct mutex unfair;
	struct roll fair;
	bool is_fair;
	struct barrier together;
	_Atomic unsigned begun; /* turns */
	_Atomic unsigned most;  /* turns that others had while one waited */
	_Atomic unsigned done;
};

/* Returns how many turns had begun when its place in the order was settled. */
static unsigned draw_and_wait(struct counter *counter)
{
	struct roll *roll = &counter->fair;
	uint32_t number = atomic_fetch_add(&roll->next, 1);
	unsigned begun = atomic_load(&counter->begun);
	uint32_t served;

	while ((served = atomic_load(&roll->served)) != number) {
		futex_wait(&roll->served, served, FUTEX_NAP_NS);
	}
	return begun;
}

static unsigned enter(struct counter *counter)
{
	if (counter->is_fair) {
		return draw_and_wait(counter);
	}
	unsigned begun = atomic_load(&counter->begun);
	mutex_lock(&counter->unfair, NULL);
	return begun;
}

static void leave(struct counter *counter)
{
	if (!counter->is_fair) {
		mutex_unlock(&counter->unfair);
		return;
	}
	atomic_fetch_add(&counter->fair.served, 1);
	futex_wake(&counter->fair.served, FUTEX_EVERYONE);
}

static void take_a_turn(struct lab *lab, struct counter *counter, unsigned number)
{
	int64_t came_ns = clock_monotonic_ns();
	unsigned begun = enter(counter);

	lab_raise(&counter->most, atomic_fetch_add(&counter->begun, 1) - begun);
	lab_note(lab, number, LAB_WAITS, "waits", came_ns);
	int64_t in_ns = clock_monotonic_ns();
	clock_sleep(TURN_NS);
	lab_note(lab, number, LAB_WORKS, "at the counter", in_ns);
	atomic_fetch_add(&counter->done, 1);
	leave(counter);
}

static void take_turns(struct lab *lab, void *shared, unsigned number)
{
	struct counter *counter = shared;

	barrier_wait(&counter->together, LAB_PATIENCE_NS);
	for (unsigned i = 0; i < TURNS; i++) {
		take_a_turn(lab, counter, number);
	}
}

/* Returns the most turns that others had while one waited for its own. */
static unsigned serve(struct lab *lab, struct counter *counter, bool is_fair, const char *title)
{
	counter->is_fair = is_fair;
	atomic_store(&counter->begun, 0);
	atomic_store(&counter->most, 0);
	lab_part(lab, title, "guest");
	lab_children_run(lab, GUESTS, take_turns, counter);
	lab_show(lab, title, "others had up to %u turns while one waited",
		 atomic_load(&counter->most));
	return atomic_load(&counter->most);
}

void lab_starvation(struct lab *lab)
{
	struct counter *counter = lab_share(lab, sizeof(*counter));

	lab_say(lab, "%d guests want %d turns of %.0f ms each, and come again at once.", GUESTS,
		TURNS, lab_ms(TURN_NS));
	mutex_init(&counter->unfair, MUTEX_PLAIN);
	barrier_init(&counter->together, GUESTS);
	unsigned unfair = serve(lab, counter, false, "an unfair lock");
	unsigned fair = serve(lab, counter, true, "a fair lock, by numbers");
	lab_show_timeline(lab);
	lab_expect(lab, unfair >= GUESTS,
		   "unfair: who has just given it back takes it again, past those who wait");
	lab_expect(lab, fair < GUESTS, "fair: each of the others goes first once, at most");
	lab_expect(lab, lab_most_at_once(lab, 0) == 1 && lab_most_at_once(lab, 1) == 1,
		   "both are locks: never more than one at the counter");
	lab_expect(lab, atomic_load(&counter->done) == 2 * GUESTS * TURNS,
		   "all %d turns were had, for these guests go home in the end",
		   2 * GUESTS * TURNS);
}
