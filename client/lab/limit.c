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

#define TASKS   512
#define AT_ONCE 8
#define TASK_NS (2 * NS_PER_MS)

struct tally {
	_Atomic unsigned running;
	_Atomic unsigned most;
	_Atomic unsigned done;
};

static int do_task(void *argument)
{
	struct tally *tally = argument;

	lab_raise(&tally->most, atomic_fetch_add(&tally->running, 1) + 1);
	clock_sleep(TASK_NS);
	atomic_fetch_add(&tally->done, 1);
	atomic_fetch_sub(&tally->running, 1);
	return 0;
}

/* Room for one process at a time. */
struct slot {
	struct process *process;
	int64_t start_ns;
};

/* The first slot that is free, or that is not; AT_ONCE when there is none. */
static unsigned find(const struct slot *slots, bool free)
{
	unsigned i = 0;

	while (i < AT_ONCE && !slots[i].process != free) {
		i++;
	}
	return i;
}

static void fill(struct slot *slot, struct tally *tally)
{
	slot->start_ns = clock_monotonic_ns();
	slot->process = lab_start("task", do_task, tally);
}

/* Waits until one has ended, or more, and empties their slots. */
static void wait_for_some(struct lab *lab, struct slot *slots)
{
	struct pollfd ends[AT_ONCE];

	for (unsigned i = 0; i < AT_ONCE; i++) {
		struct process *process = slots[i].process;
		ends[i] = (struct pollfd){ .fd = process ? process_descriptor(process) : -1,
					   .events = POLLIN };
	}
	poll(ends, AT_ONCE, (int)(LAB_PATIENCE_NS / NS_PER_MS));
	for (unsigned i = 0; i < AT_ONCE; i++) {
		if (ends[i].revents == 0) {
			continue;
		}
		lab_finish(lab, slots[i].process);
		lab_note(lab, i, LAB_WORKS, "task", slots[i].start_ns);
		slots[i].process = NULL;
	}
}

void lab_limit(struct lab *lab)
{
	struct tally *tally = lab_share(lab, sizeof(*tally));
	struct slot slots[AT_ONCE] = { 0 };

	lab_say(lab,
		"%d tasks, each in a process of its own. There are %d places; who ends makes room",
		TASKS, AT_ONCE);
	lab_say(lab, "for the next.");
	lab_part(lab, "eight places", "place");
	for (unsigned started = 0; started < TASKS; started++) {
		while (find(slots, true) == AT_ONCE) {
			wait_for_some(lab, slots);
		}
		fill(&slots[find(slots, true)], tally);
	}
	while (find(slots, false) < AT_ONCE) {
		wait_for_some(lab, slots);
	}
	lab_show_timeline(lab);
	lab_show(lab, "at work at once, at most", "%u", atomic_load(&tally->most));
	lab_show(lab, "time a task, on the whole", "%.2f ms", lab_ms(lab_part_ns(lab, 0)) / TASKS);
	lab_expect(lab, atomic_load(&tally->done) == TASKS, "all %d tasks were done", TASKS);
	lab_expect(lab, atomic_load(&tally->most) <= AT_ONCE, "never more than %d at once",
		   AT_ONCE);
}
