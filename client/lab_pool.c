/* Many tasks, few processes: limit, pool, callback, manager. */
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/lab.h"
#include "client/lab_crew.h"
#include "shared/log.h"
#include "shared/manager.h"
#include "shared/map.h"
#include "shared/mutex.h"
#include "shared/pool.h"

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

	while (running > most && !atomic_compare_exchange_weak(&tally->most, &most, running))
		;
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

	while (i < AT_ONCE && places[i].process != NULL)
		i++;
	return i;
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

	for (unsigned i = 0; i < AT_ONCE; i++)
		ends[i] = (struct pollfd){ .fd = places[i].process
							 ? process_descriptor(places[i].process)
							 : -1,
					   .events = POLLIN };
	poll(ends, AT_ONCE, (int)(LAB_PATIENCE_NS / NS_PER_MS));
	for (unsigned i = 0; i < AT_ONCE; i++) {
		if (ends[i].revents == 0)
			continue;
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
		while (find_free(places) == NO_PLACE)
			wait_for_some(lab, places);
		fill(&places[find_free(places)], tally);
	}
	while (process_children(NULL, 0) > 0)
		wait_for_some(lab, places);
	lab_show_timeline(lab);
	lab_show(lab, "at work at once, at most", "%u", atomic_load(&tally->most));
	lab_show(lab, "time a task, on the whole", "%.2f ms", lab_ms(lab_part_ns(lab, 0)) / TASKS);
	lab_expect(lab, atomic_load(&tally->done) == TASKS, "all %d tasks were done", TASKS);
	lab_expect(lab, atomic_load(&tally->most) <= AT_ONCE, "never more than %d at once",
		   AT_ONCE);
}

/*
 * pool. Python: p = Pool(4); p.apply(...), p.apply_async(...).get(), p.map(...), p.close(),
 * p.join() (an error before close). A killed worker makes Python's pool wait for ever.
 */

#define WORKERS 4
#define SQUARES 12

struct square {
	int number;
	pid_t worker;
};

static bool square_it(const void *argument, size_t length, void *result, size_t size)
{
	const int *number = argument;
	struct square *square = result;

	(void)length;
	(void)size;
	clock_sleep(2 * NS_PER_MS);
	*square = (struct square){ *number * *number, getpid() };
	return true;
}

/* The first time it is killed; ARGUMENT is where it counts that, in shared memory. */
static bool die_once(const void *argument, size_t length, void *result, size_t size)
{
	_Atomic unsigned *tries;

	(void)length;
	memcpy(&tries, argument, sizeof(tries));
	if (atomic_fetch_add(tries, 1) == 0)
		raise(SIGKILL);
	memset(result, 1, size);
	return true;
}

static unsigned count_workers(const struct square *squares)
{
	unsigned count = 0;

	for (unsigned i = 0; i < SQUARES; i++) {
		unsigned before = 0;
		while (before < i && squares[before].worker != squares[i].worker)
			before++;
		count += before == i;
	}
	return count;
}

static bool are_right(const struct square *squares)
{
	for (int i = 0; i < SQUARES; i++) {
		if (squares[i].number != i * i)
			return false;
	}
	return true;
}

static void show_map(struct lab *lab, struct pool *pool)
{
	struct square squares[SQUARES];
	int numbers[SQUARES];

	for (int i = 0; i < SQUARES; i++)
		numbers[i] = i;
	const struct map map = { square_it, numbers, sizeof(int), sizeof(struct square), SQUARES };
	size_t done = map_all(pool, &map, squares, NULL);
	lab_show(lab, "processes that worked", "%u", count_workers(squares));
	lab_expect(lab, done == SQUARES && are_right(squares),
		   "map: %d numbers squared, in their order", SQUARES);
	lab_expect(lab, count_workers(squares) <= WORKERS, "by no more than %d processes", WORKERS);
}

static void show_killed_worker(struct lab *lab, struct pool *pool)
{
	_Atomic unsigned *tries = lab_share(lab, sizeof(*tries));
	const struct pool_task task = { die_once, &tries, sizeof(tries), 1 };
	char result = 0;

	enum pool_outcome outcome = pool_apply(pool, &task, &result);
	lab_expect(lab, outcome == POOL_DONE && atomic_load(tries) == 2,
		   "a worker killed at its task is replaced, and the task done by another");
}

void lab_pool(struct lab *lab)
{
	const struct pool_options options = { .workers = WORKERS, .tries = 2 };
	const int six = 6;
	const struct pool_task task = { square_it, &six, sizeof(six), sizeof(struct square) };
	struct square square = { 0 };

	lab_say(lab, "%d processes are started once and are given one task after the other.",
		WORKERS);
	struct pool *pool = pool_create(&options);
	if (pool == NULL)
		die("cannot start a pool: %m");
	enum pool_outcome outcome = pool_apply(pool, &task, &square);
	lab_show(lab, "6 squared", "%d, by process %d", square.number, (int)square.worker);
	lab_expect(lab, outcome == POOL_DONE && square.number == 36 && square.worker != getpid(),
		   "apply: one task, done by another process");
	show_map(lab, pool);
	show_killed_worker(lab, pool);
	lab_expect(lab, !pool_join(pool),
		   "join before close is refused: the workers would never end");
	pool_close(pool);
	lab_expect(lab, pool_join(pool), "close, then join: all have ended");
	pool_destroy(pool);
}

/*
 * callback. Python: p.apply_async(task, callback=write_log): the workers compute, and the log file
 * is written by the main process alone, so its lines do not mix.
 */

#define LINES     40
#define LINE_SIZE 48

struct log_book {
	FILE *file;
	pid_t writer; /* who wrote all lines so far, or -1 */
	unsigned lines;
};

static bool make_line(const void *argument, size_t length, void *result, size_t size)
{
	const unsigned *number = argument;

	(void)length;
	snprintf(result, size, "task %2u done by %d", *number, (int)getpid());
	return true;
}

static void write_line(void *context, enum pool_outcome outcome, const void *result)
{
	struct log_book *book = context;

	if (outcome != POOL_DONE)
		return;
	fprintf(book->file, "%s\n", (const char *)result);
	book->lines++;
	if (book->writer != getpid())
		book->writer = book->lines == 1 ? getpid() : -1;
}

/* How many whole lines of ours are in the file. */
static unsigned count_lines(FILE *file)
{
	char line[LINE_SIZE];
	unsigned count = 0, number;
	int worker;

	rewind(file);
	while (fgets(line, sizeof(line), file) != NULL)
		count += sscanf(line, "task %u done by %d\n", &number, &worker) == 2;
	return count;
}

void lab_callback(struct lab *lab)
{
	const struct pool_options options = { .workers = WORKERS };
	struct log_book book = { .file = tmpfile() };
	struct pool *pool = pool_create(&options);

	lab_say(lab,
		"%d workers do %d tasks. Each result comes to the parent, which calls back, and",
		WORKERS, LINES);
	lab_say(lab, "the callback writes the log: so no lock is needed.");
	if (pool == NULL || book.file == NULL)
		die("cannot start a pool, or make a file: %m");
	for (unsigned i = 0; i < LINES; i++) {
		const struct pool_task task = { make_line, &i, sizeof(i), LINE_SIZE };
		if (!pool_apply_async(pool, &task, write_line, &book))
			die("cannot give a task: %m");
	}
	pool_close(pool);
	lab_expect(lab, pool_join(pool), "close and join wait for all tasks");
	pool_destroy(pool);
	lab_expect(lab, book.lines == LINES, "the callback was called %d times", LINES);
	lab_expect(lab, book.writer == getpid(), "always in the parent, process %d", (int)getpid());
	lab_expect(lab, count_lines(book.file) == LINES, "the log has %d whole lines", LINES);
	fclose(book.file);
}

/*
 * manager. Python: d = Manager().dict(count=0); one process does d["count"] += 1 a thousand times,
 * another -= 1; without a Lock the result is anything.
 */

#define UPDATES 1000

enum how { HOW_WITHOUT, HOW_WITH_LOCK, HOW_ADD, HOWS };

struct account {
	struct manager *manager;
	struct mutex mutex;
	enum how how;
};

/* Two calls, as += is in Python: there, other processes run while one waits for the manager. */
static void get_and_set(struct manager *manager, int64_t difference)
{
	struct manager_value count = { 0 };

	manager_get(manager, "count", &count);
	sched_yield();
	manager_set_number(manager, "count", count.number + difference);
}

static void update(struct account *account, int64_t difference)
{
	if (account->how == HOW_ADD) {
		manager_add(account->manager, "count", difference, NULL);
		return;
	}
	if (account->how == HOW_WITH_LOCK)
		mutex_lock(&account->mutex, NULL);
	get_and_set(account->manager, difference);
	if (account->how == HOW_WITH_LOCK)
		mutex_unlock(&account->mutex);
}

static void update_often(struct lab *lab, void *shared, unsigned number)
{
	(void)lab;
	for (unsigned i = 0; i < UPDATES; i++)
		update(shared, number == 0 ? 1 : -1);
}

static int64_t count_after(struct lab *lab, struct account *account, enum how how)
{
	struct manager_value count = { 0 };

	account->how = how;
	manager_set_number(account->manager, "count", 0);
	lab_crew_run(lab, 2, update_often, account);
	manager_get(account->manager, "count", &count);
	return count.number;
}

/* Without a lock it may come out right by luck, so there is more than one try. */
static int64_t count_without(struct lab *lab, struct account *account)
{
	int64_t count = 0;

	for (unsigned tries = 0; count == 0 && tries < 50; tries++)
		count = count_after(lab, account, HOW_WITHOUT);
	return count;
}

void lab_manager(struct lab *lab)
{
	struct account *account = lab_share(lab, sizeof(*account));

	lab_say(lab,
		"A dictionary has a count of 0. One process adds 1 to it %d times, another takes",
		UPDATES);
	lab_say(lab, "1 away as often: each gets it, and sets it to what follows.");
	account->manager = lab_share(lab, manager_size(4));
	manager_init(account->manager, 4);
	mutex_init(&account->mutex, MUTEX_PLAIN);
	long long without = count_without(lab, account);
	long long with = count_after(lab, account, HOW_WITH_LOCK);
	long long added = count_after(lab, account, HOW_ADD);
	lab_show(lab, "get and set", "%+lld", without);
	lab_show(lab, "get and set under a lock", "%lld", with);
	lab_show(lab, "add, in one call", "%lld", added);
	lab_expect(lab, without != 0, "without a lock, updates are lost");
	lab_expect(lab, with == 0, "with it, none is");
	lab_expect(lab, added == 0, "nor when getting and setting are one call");
}
