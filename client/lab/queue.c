/* Queues: in order, joinable, between makers and eaters. */
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#include "client/lab/children.h"
#include "client/lab/experiments.h"
#include "client/lab/report.h"
#include "client/lab/timeline.h"
#include "shared/sync/latch.h"
#include "shared/sync/queue.h"

#define RECORD_MAX 64 /* bytes */
#define SHORT_NS   (20 * NS_PER_MS)

static struct queue *new_queue(struct lab *lab, enum queue_kind kind, size_t records_max)
{
	struct queue *queue = lab_share(lab, queue_size(records_max, RECORD_MAX));

	queue_init(queue, kind, records_max, RECORD_MAX);
	return queue;
}

/*
 * queue. Python: q = Queue(3); q.put(...), q.full(), q.get(), q.empty(), q.get_nowait() and its
 * queue.Empty; a child puts, the parent gets.
 */

#define LETTERS 3

static void put_letters(struct lab *lab, void *shared, unsigned number)
{
	static const char *const letters[LETTERS] = { "first", "second", "third" };

	(void)lab;
	(void)number;
	for (unsigned i = 0; i < LETTERS; i++) {
		queue_put(shared, letters[i], strlen(letters[i]) + 1, LAB_PATIENCE_NS);
	}
}

static bool get_letter(struct lab *lab, struct queue *queue, const char *expected)
{
	char letter[RECORD_MAX] = "";
	size_t length;

	if (queue_get(queue, letter, sizeof(letter), &length, LAB_PATIENCE_NS) != QUEUE_DONE) {
		return false;
	}
	lab_show(lab, "taken out by the parent", "%s", letter);
	return strcmp(letter, expected) == 0;
}

void lab_queue(struct lab *lab)
{
	struct queue *queue = new_queue(lab, QUEUE_PLAIN, LETTERS);
	char letter[RECORD_MAX];
	size_t length;

	lab_say(lab, "A queue has room for %d letters. A child puts %d in.", LETTERS, LETTERS);
	lab_children_run(lab, 1, put_letters, queue);
	lab_show(lab, "letters in it", "%d", (int)queue_length(queue));
	lab_expect(lab, queue_put(queue, "x", 2, 0) == QUEUE_TIMED_OUT,
		   "full: one more is refused at once, if one does not want to wait");
	bool in_order = get_letter(lab, queue, "first");
	in_order = get_letter(lab, queue, "second") && in_order;
	in_order = get_letter(lab, queue, "third") && in_order;
	lab_expect(lab, in_order, "they come out in the order in which they went in");
	lab_expect(lab, queue_get(queue, letter, sizeof(letter), &length, 0) == QUEUE_TIMED_OUT,
		   "empty: the same, without waiting");
	lab_expect(lab,
		   queue_get(queue, letter, sizeof(letter), &length, SHORT_NS) == QUEUE_TIMED_OUT,
		   "and after %.0f ms, with a time-out", lab_ms(SHORT_NS));
}

/*
 * joinable-queue. Python: q = JoinableQueue(); the consumer (a daemon) calls q.task_done() after
 * each, the producer q.join(), and the main process ends when the producer has.
 */

#define JOBS 12

struct jobs {
	struct queue *queue;
	_Atomic unsigned done;
};

static int work_for_ever(void *argument)
{
	struct jobs *jobs = argument;
	char job[RECORD_MAX];
	size_t length;

	while (queue_get(jobs->queue, job, sizeof(job), &length, FUTEX_FOREVER) == QUEUE_DONE) {
		clock_sleep(NS_PER_MS);
		atomic_fetch_add(&jobs->done, 1);
		queue_task_done(jobs->queue);
	}
	return 0;
}

static int take_one_and_die(void *argument)
{
	struct jobs *jobs = argument;
	char job[RECORD_MAX];
	size_t length;

	queue_get(jobs->queue, job, sizeof(job), &length, LAB_PATIENCE_NS);
	raise(SIGKILL);
	return 0;
}

static void put_jobs(struct jobs *jobs, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		queue_put(jobs->queue, &i, sizeof(i), LAB_PATIENCE_NS);
	}
}

void lab_joinable_queue(struct lab *lab)
{
	struct jobs *jobs = lab_share(lab, sizeof(*jobs));
	struct process *workers[2];

	lab_say(lab,
		"%d jobs, and two workers who never end by themselves. Each says when it is done",
		JOBS);
	lab_say(lab, "with a job; the queue's join returns when all are.");
	jobs->queue = new_queue(lab, QUEUE_JOINABLE, JOBS);
	put_jobs(jobs, JOBS);
	lab_expect(lab, queue_join(jobs->queue, 0) == QUEUE_TIMED_OUT,
		   "before anybody works, the join would have to wait");
	workers[0] = lab_start("worker 1", work_for_ever, jobs);
	workers[1] = lab_start("worker 2", work_for_ever, jobs);
	enum queue_result result = queue_join(jobs->queue, LAB_PATIENCE_NS);
	lab_expect(lab, result == QUEUE_DONE && atomic_load(&jobs->done) == JOBS,
		   "when it returned, all %d were done", JOBS);
	lab_expect(lab, process_alive(workers[0]) && process_alive(workers[1]),
		   "the workers still wait for more: they are ended with us, as daemons");
	process_destroy(workers[0]);
	process_destroy(workers[1]);
	put_jobs(jobs, 1);
	lab_finish(lab, lab_start("worker 3", take_one_and_die, jobs));
	lab_expect(lab,
		   queue_join(jobs->queue, LAB_PATIENCE_NS) == QUEUE_DONE &&
			   queue_lost(jobs->queue) == 1,
		   "one who is killed at work holds up nobody: its job counts as lost");
}

/*
 * producer-consumer. Python: producers put dumplings into a Queue, consumers eat them; a None for
 * each consumer at the end says that no more will come.
 */

#define COOKS     2
#define EATERS    3
#define DISHES    9 /* of each cook */
#define TABLE     4 /* dishes that it has room for */
#define NO_MORE   UINT32_MAX
#define DISH_MAX  (COOKS * DISHES)
#define FIRST_ROW COOKS

struct kitchen {
	struct queue *table;
	_Atomic unsigned eaten[DISH_MAX];
	_Atomic unsigned full; /* how often a cook found no room */
};

/* Looks whether there is room, and waits for it if not. */
static void serve(struct kitchen *kitchen, uint32_t dish)
{
	if (queue_put(kitchen->table, &dish, sizeof(dish), 0) == QUEUE_DONE) {
		return;
	}
	atomic_fetch_add(&kitchen->full, 1);
	queue_put(kitchen->table, &dish, sizeof(dish), LAB_PATIENCE_NS);
}

static void cook(struct lab *lab, void *shared, unsigned number)
{
	struct kitchen *kitchen = shared;

	for (uint32_t i = 0; i < DISHES; i++) {
		uint32_t dish = number * DISHES + i;
		int64_t start_ns = clock_monotonic_ns();
		clock_sleep(3 * NS_PER_MS);
		lab_note(lab, number, LAB_WORKS, "cooks", start_ns);
		start_ns = clock_monotonic_ns();
		serve(kitchen, dish);
		lab_note(lab, number, LAB_WAITS, "waits for room", start_ns);
	}
}

static uint32_t next_dish(struct kitchen *kitchen)
{
	uint32_t dish = NO_MORE;
	size_t length;

	if (queue_get(kitchen->table, &dish, sizeof(dish), &length, LAB_PATIENCE_NS) !=
	    QUEUE_DONE) {
		return NO_MORE;
	}
	return dish;
}

static void eat(struct lab *lab, void *shared, unsigned number)
{
	struct kitchen *kitchen = shared;
	uint32_t dish;
	int64_t start_ns = clock_monotonic_ns();

	while ((dish = next_dish(kitchen)) < DISH_MAX) {
		lab_note(lab, FIRST_ROW + number, LAB_WAITS, "hungry", start_ns);
		start_ns = clock_monotonic_ns();
		atomic_fetch_add(&kitchen->eaten[dish], 1);
		clock_sleep(10 * NS_PER_MS);
		lab_note(lab, FIRST_ROW + number, LAB_WORKS, "eats", start_ns);
		start_ns = clock_monotonic_ns();
	}
}

static unsigned count_eaten_once(const struct kitchen *kitchen)
{
	unsigned count = 0;

	for (unsigned i = 0; i < DISH_MAX; i++) {
		count += atomic_load(&kitchen->eaten[i]) == 1;
	}
	return count;
}

void lab_producer_consumer(struct lab *lab)
{
	struct kitchen *kitchen = lab_share(lab, sizeof(*kitchen));
	struct lab_children cooks = { 0 };
	struct lab_children eaters = { 0 };
	const uint32_t no_more = NO_MORE;

	lab_say(lab,
		"%d cooks (rows 1 and 2) make %d dishes each, %d guests eat; the table has room",
		COOKS, DISHES, EATERS);
	lab_say(lab,
		"for %d. When the cooks have ended, each guest is told that no more will come.",
		TABLE);
	kitchen->table = new_queue(lab, QUEUE_PLAIN, TABLE);
	lab_part(lab, "the kitchen", "process");
	lab_children_start(lab, &cooks, COOKS, cook, kitchen);
	lab_children_start(lab, &eaters, EATERS, eat, kitchen);
	lab_children_join(lab, &cooks);
	for (unsigned i = 0; i < EATERS; i++) {
		queue_put(kitchen->table, &no_more, sizeof(no_more), LAB_PATIENCE_NS);
	}
	lab_children_join(lab, &eaters);
	lab_show_timeline(lab);
	lab_show(lab, "a cook had to wait", "%u times", atomic_load(&kitchen->full));
	lab_expect(lab, count_eaten_once(kitchen) == DISH_MAX,
		   "each of the %d dishes was eaten, and by one guest", DISH_MAX);

	lab_expect(lab, queue_length(kitchen->table) == 0, "nothing is left over");
}
