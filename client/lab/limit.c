/* A process a task, so many at once. */
#include <poll.h>
#include <stdatomic.h>

#include "client/lab/children.h"
#include "client/lab/experiments.h"
#include "client/lab/report.h"
#include "client/lab/timeline.h"

/*
 * limit. Python: 512 tasks, each a Process of its own; without a limit all run at once, so only 8
 * are let run: start one when one has ended.
 */

#define TASKS    512
#define AT_ONCE  8
#define TASK_NS  (2 * NS_PER_MS)
#define NO_PLACE AT_ONCE

struct tally {
	_Atomic unsigned running;
	_Atomic unsigned most;
	_Atomic unsigned done;
};

static int do_task(void *argument)
{
	struct tally *tally = argument;
	unsigned running = atomic_fetch_add(&tally->running, 1) + 1;
	unsigned most = atomic_load(&tally->most);

	while (running > most && !atomic_compare_exchange_weak(&tally->most, &most, running)) {
		;
	}
	clock_sleep(TASK_NS);
	atomic_fetch_add(&tally->done, 1);
	atomic_fetch_sub(&tally->running, 1);
	return 0;
}

/* A place for one process at a time. */
struct place {
	struct process *process;
	int64_t start_ns;
};

static unsigned find_free(const struct place *places)
{
	unsigned i = 0;

	while (i < AT_ONCE && places[i].process != NULL) {
		i++;
	}
	return i;
}

static bool all_free(const struct place *places)
{
	unsigned i = 0;

	while (i < AT_ONCE && places[i].process == NULL) {
		i++;
	}
	return i == AT_ONCE;
}

static void fill(struct place *place, struct tally *tally)
{
	place->start_ns = clock_monotonic_ns();
	place->process = lab_start("task", do_task, tally);
}

/* Waits until one has ended, or more, and empties their places. */
static void wait_for_some(struct lab *lab, struct place *places)
{
	struct pollfd ends[AT_ONCE];

	for (unsigned i = 0; i < AT_ONCE; i++) {
		ends[i] = (struct pollfd){ .fd = places[i].process
							 ? process_descriptor(places[i].process)
							 : -1,
					   .events = POLLIN };
	}
	poll(ends, AT_ONCE, (int)(LAB_PATIENCE_NS / NS_PER_MS));
	for (unsigned i = 0; i < AT_ONCE; i++) {
		if (ends[i].revents == 0) {
			continue;
		}
		lab_finish(lab, places[i].process);
		lab_note(lab, i, LAB_WORKS, "task", places[i].start_ns);
		places[i].process = NULL;
	}
}

void lab_limit(struct lab *lab)
{
	struct tally *tally = lab_share(lab, sizeof(*tally));
	struct place places[AT_ONCE] = { 0 };

	lab_say(lab,
		"%d tasks, each in a process of its own. There are %d places; who ends makes room",
		TASKS, AT_ONCE);
	lab_say(lab, "for the next.");
	lab_part(lab, "eight places", "place");
	for (unsigned started = 0; started < TASKS; started++) {
		while (find_free(places) == NO_PLACE) {
			wait_for_some(lab, places);
		}
		fill(&places[find_free(places)], tally);
	}
	while (!all_free(places)) {
		wait_for_some(lab, places);
	}
	lab_show_timeline(lab);
	lab_show(lab, "at work at once, at most", "%u", atomic_load(&tally->most));
	lab_show(lab, "time a task, on the whole", "%.2f ms", lab_ms(lab_part_ns(lab, 0)) / TASKS);
	lab_expect(lab, atomic_load(&tally->done) == TASKS, "all %d tasks were done", TASKS);
	lab_expect(lab, atomic_load(&tally->most) <= AT_ONCE, "never more than %d at once",
		   AT_ONCE);
}
