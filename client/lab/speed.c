/* What it costs, and what it gains: serial-or-parallel, counter, cpu-or-io. */
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "client/lab/children.h"
#include "client/lab/experiments.h"
#include "client/lab/report.h"
#include "client/lab/timeline.h"
#include "shared/base/log.h"
#include "shared/sync/barrier.h"
#include "shared/sync/mutex.h"

/*
 * serial-or-parallel. Python: for p in ps: p.start(); p.join() is serial, however many processes
 * there are; for p in ps: p.start(), and then for p in ps: p.join() is parallel.
 */

#define TASKS   3
#define TASK_NS (100 * NS_PER_MS)

struct task {
	struct lab *lab;
	unsigned number;
};

static int do_task(void *argument)
{
	const struct task *task = argument;
	int64_t start_ns = clock_monotonic_ns();

	clock_sleep(TASK_NS);
	lab_note(task->lab, task->number, LAB_WORKS, "task", start_ns);
	return 0;
}

static void start_and_join_each(struct lab *lab)
{
	for (unsigned i = 0; i < TASKS; i++) {
		struct task task = { lab, i };
		lab_finish(lab, lab_start("task", do_task, &task));
	}
}

static void start_all_then_join(struct lab *lab)
{
	struct process *processes[TASKS];

	for (unsigned i = 0; i < TASKS; i++) {
		struct task task = { lab, i };
		processes[i] = lab_start("task", do_task, &task);
	}
	for (unsigned i = 0; i < TASKS; i++) {
		lab_finish(lab, processes[i]);
	}
}

void lab_serial_or_parallel(struct lab *lab)
{
	lab_say(lab, "%d tasks of %.0f ms, a process each.", TASKS, lab_ms(TASK_NS));
	lab_part(lab, "start, join, start, join", "task");
	start_and_join_each(lab);
	lab_part(lab, "start all, then join all", "task");
	start_all_then_join(lab);
	lab_show_timeline(lab);
	lab_expect(lab, lab_most_at_once(lab, 0) == 1, "joined one by one, one runs at a time");
	lab_expect(lab, lab_part_ns(lab, 0) >= TASKS * TASK_NS,
		   "so it takes as long as all together");
	lab_expect(lab, lab_most_at_once(lab, 1) > 1, "joined at the end, %u ran at once",
		   lab_most_at_once(lab, 1));
	lab_show(lab, "faster by", "%.1f times",
		 (double)lab_part_ns(lab, 0) / (double)lab_part_ns(lab, 1));
}

/*
 * counter. Python: n = 0; one thread does n += 1 ten million times, another n -= 1; the result is
 * anything but 0. With a Lock it is 0, and takes much longer.
 */

#define TIMES        10000000
#define TIMES_LOCKED 500000 /* ten million would take too long: that is the lesson */
#define LUCK_TRIES   50

struct counter {
	struct barrier together;
	struct mutex mutex;
	int64_t times;
	_Alignas(CACHE_LINE) volatile int64_t plain;
	_Alignas(CACHE_LINE) _Atomic int64_t atomic;
};

static void count_plain(struct counter *counter, int64_t step)
{
	for (int64_t i = 0; i < counter->times; i++) {
		counter->plain = counter->plain + step;
	}
}

static void count_atomic(struct counter *counter, int64_t step)
{
	for (int64_t i = 0; i < counter->times; i++) {
		atomic_fetch_add(&counter->atomic, step);
	}
}

static void count_locked(struct counter *counter, int64_t step)
{
	for (int64_t i = 0; i < counter->times; i++) {
		mutex_lock(&counter->mutex, NULL);
		counter->plain = counter->plain + step;
		mutex_unlock(&counter->mutex);
	}
}

/* Each counts for itself, and the sums are added under the lock once. */
static void count_apart(struct counter *counter, int64_t step)
{
	volatile int64_t own = 0;

	for (int64_t i = 0; i < counter->times; i++) {
		own = own + step;
	}
	mutex_lock(&counter->mutex, NULL);
	counter->plain = counter->plain + own;
	mutex_unlock(&counter->mutex);
}

struct way {
	const char *name;
	void (*count)(struct counter *counter, int64_t step);
	int64_t times;
};

struct measure {
	struct counter *counter;
	const struct way *way;
};

static void count_up_or_down(struct lab *lab, void *shared, unsigned number)
{
	const struct measure *measure = shared;

	(void)lab;
	barrier_wait(&measure->counter->together, LAB_PATIENCE_NS);
	measure->way->count(measure->counter, number == 0 ? 1 : -1);
}

/* Returns what is left of 0. */
static int64_t measure(struct lab *lab, struct counter *counter, const struct way *way)
{
	struct measure measure = { counter, way };
	int64_t start_ns = clock_monotonic_ns();

	counter->times = way->times;
	counter->plain = 0;
	atomic_store(&counter->atomic, 0);
	lab_children_run(lab, 2, count_up_or_down, &measure);
	double each_ns = (double)(clock_monotonic_ns() - start_ns) / (2.0 * (double)way->times);
	int64_t left = counter->plain + atomic_load(&counter->atomic);
	lab_show(lab, way->name, "%9lld each  %8.1f ns an update  result %lld",
		 (long long)way->times, each_ns, (long long)left);
	return left;
}

void lab_counter(struct lab *lab)
{
	static const struct way plain = { "plain", count_plain, TIMES };
	static const struct way atomic = { "atomic", count_atomic, TIMES };
	static const struct way locked = { "a lock around each", count_locked, TIMES_LOCKED };
	static const struct way apart = { "apart, added up once", count_apart, TIMES };
	struct counter *counter = lab_share(lab, sizeof(*counter));
	int64_t wrong = 0;

	lab_say(lab, "One process counts up, another down, as often. It should end at 0.");
	barrier_init(&counter->together, 2);
	mutex_init(&counter->mutex, MUTEX_PLAIN);
	for (unsigned tries = 0; wrong == 0 && tries < LUCK_TRIES; tries++) {
		wrong = measure(lab, counter, &plain);
	}
	lab_expect(lab, wrong != 0,
		   "plain: reading, adding and writing are three steps; some are lost");
	lab_expect(lab, measure(lab, counter, &atomic) == 0, "atomic: the three are one");
	lab_expect(lab, measure(lab, counter, &locked) == 0,
		   "under a lock: right as well, and slower");
	lab_expect(lab, measure(lab, counter, &apart) == 0,
		   "best: do not share what need not be shared");
}

/*
 * cpu-or-io. Python: four times a sum of ten million, and four times time.sleep(2), each in
 * processes and in threads: arithmetic gains from processes alone (the interpreter's lock lets one
 * thread compute at a time), waiting gains from both.
 */

#define WORKERS 4
#define WAIT_NS (80 * NS_PER_MS)
#define ROUNDS  40000000
#define TRIES   5 /* a busy machine may spoil one */

struct sums {
	uint32_t of[WORKERS];
};

static void compute(struct lab *lab, void *shared, unsigned number)
{
	struct sums *sums = shared;
	uint32_t value = number;

	(void)lab;
	/* A linear congruential generator: no compiler can leave it out. */
	for (unsigned i = 0; i < ROUNDS; i++) {
		value = value * 1664525U + 1013904223U;
	}
	sums->of[number] = value;
}

static void wait(struct lab *lab, void *shared, unsigned number)
{
	struct sums *sums = shared;

	(void)lab;
	clock_sleep(WAIT_NS);
	sums->of[number] = number;
}

struct errand {
	struct lab *lab;
	lab_work work;
	struct sums *sums;
	unsigned number;
};

static void run_one_by_one(struct lab *lab, lab_work work, struct sums *sums)
{
	for (unsigned i = 0; i < WORKERS; i++) {
		work(lab, sums, i);
	}
}

static void run_in_processes(struct lab *lab, lab_work work, struct sums *sums)
{
	lab_children_run(lab, WORKERS, work, sums);
}

static void *run_errand(void *argument)
{
	const struct errand *errand = argument;

	errand->work(errand->lab, errand->sums, errand->number);
	return NULL;
}

static void run_in_threads(struct lab *lab, lab_work work, struct sums *sums)
{
	pthread_t threads[WORKERS];
	struct errand errands[WORKERS];

	for (unsigned i = 0; i < WORKERS; i++) {
		errands[i] = (struct errand){ lab, work, sums, i };
		if (pthread_create(&threads[i], NULL, run_errand, &errands[i]) != 0) {
			die("cannot start a thread");
		}
	}
	for (unsigned i = 0; i < WORKERS; i++) {
		pthread_join(threads[i], NULL);
	}
}

struct times {
	int64_t one_by_one_ns;
	int64_t processes_ns;
	int64_t threads_ns;
	bool equal; /* all three had the same results */
};

static int64_t time_of(void (*run)(struct lab *lab, lab_work work, struct sums *sums),
		       struct lab *lab, lab_work work, struct sums *sums)
{
	int64_t start_ns = clock_monotonic_ns();

	run(lab, work, sums);
	return clock_monotonic_ns() - start_ns;
}

static bool same_results(const struct sums *all)
{
	bool same = true;

	for (unsigned i = 0; i < WORKERS; i++) {
		same = same && all[0].of[i] == all[1].of[i] && all[0].of[i] == all[2].of[i];
	}
	return same;
}

static struct times take_times(struct lab *lab, lab_work work)
{
	struct sums *all = lab_share(lab, 3 * sizeof(*all));
	struct times times;

	times.one_by_one_ns = time_of(run_one_by_one, lab, work, &all[0]);
	times.processes_ns = time_of(run_in_processes, lab, work, &all[1]);
	times.threads_ns = time_of(run_in_threads, lab, work, &all[2]);
	times.equal = same_results(all);
	return times;
}

static bool both_are_faster(const struct times *times)
{
	return times->processes_ns < times->one_by_one_ns &&
	       times->threads_ns < times->one_by_one_ns;
}

static void show_times(struct lab *lab, const char *label, const struct times *times)
{
	double whole = (double)times->one_by_one_ns;

	lab_show(lab, label, "%6.0f ms   %6.0f ms (%.1f x)   %6.0f ms (%.1f x)",
		 lab_ms(times->one_by_one_ns), lab_ms(times->processes_ns),
		 whole / (double)times->processes_ns, lab_ms(times->threads_ns),
		 whole / (double)times->threads_ns);
}

void lab_cpu_or_io(struct lab *lab)
{
	lab_say(lab, "The same work %d times, on %ld processors. Arithmetic gains as much as",
		WORKERS, sysconf(_SC_NPROCESSORS_ONLN));
	lab_say(lab, "processors are free, in C by threads as well; waiting gains all it can.");
	struct times computing = take_times(lab, compute);
	struct times waiting = take_times(lab, wait);
	for (unsigned tries = 1; !both_are_faster(&waiting) && tries < TRIES; tries++) {
		waiting = take_times(lab, wait);
	}
	lab_show(lab, "", "one by one   %d processes       %d threads", WORKERS, WORKERS);
	show_times(lab, "arithmetic", &computing);
	show_times(lab, "waiting", &waiting);
	lab_expect(lab, computing.equal && waiting.equal, "all ways have the same results");
	lab_expect(lab, both_are_faster(&waiting),
		   "waiting gains whatever the processors do: nobody needs one to wait");
}
