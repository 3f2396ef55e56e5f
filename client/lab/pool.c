/* Many tasks, few processes: pool, callback. */
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/lab/experiments.h"
#include "client/lab/report.h"
#include "shared/base/log.h"
#include "shared/process/map.h"
#include "shared/process/pool.h"

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
	if (atomic_fetch_add(tries, 1) == 0) {
		raise(SIGKILL);
	}
	memset(result, 1, size);
	return true;
}

static unsigned count_workers(const struct square *squares)
{
	unsigned count = 0;

	for (unsigned i = 0; i < SQUARES; i++) {
		unsigned before = 0;
		while (before < i && squares[before].worker != squares[i].worker) {
			before++;
		}
		count += before == i;
	}
	return count;
}

static bool are_right(const struct square *squares)
{
	for (int i = 0; i < SQUARES; i++) {
		if (squares[i].number != i * i) {
			return false;
		}
	}
	return true;
}

static void show_map(struct lab *lab, struct pool *pool)
{
	struct square squares[SQUARES];
	int numbers[SQUARES];

	for (int i = 0; i < SQUARES; i++) {
		numbers[i] = i;
	}
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
	if (!pool) {
		die("cannot start a pool: %m");
	}
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

	if (outcome != POOL_DONE) {
		return;
	}
	fprintf(book->file, "%s\n", (const char *)result);
	book->lines++;
	if (book->writer != getpid()) {
		book->writer = book->lines == 1 ? getpid() : -1;
	}
}

/* The task whose whole line this is; LINES when it is none. */
static unsigned long read_line(const char *line)
{
	char *end;

	if (strncmp(line, "task ", strlen("task ")) != 0 || !strchr(line, '\n')) {
		return LINES;
	}
	unsigned long number = strtoul(line + strlen("task "), &end, 10);
	bool whole = strncmp(end, " done by ", strlen(" done by ")) == 0;
	return whole && number < LINES ? number : LINES;
}

/* How many tasks have their line in the file. */
static unsigned count_lines(FILE *file)
{
	bool seen[LINES + 1] = { false };
	char line[LINE_SIZE];
	unsigned count = 0;

	rewind(file);
	while (fgets(line, sizeof(line), file)) {
		seen[read_line(line)] = true;
	}
	for (unsigned i = 0; i < LINES; i++) {
		count += seen[i];
	}
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
	if (!pool || !book.file) {
		die("cannot start a pool, or make a file: %m");
	}
	for (unsigned i = 0; i < LINES; i++) {
		const struct pool_task task = { make_line, &i, sizeof(i), LINE_SIZE };
		if (!pool_apply_async(pool, &task, write_line, &book)) {
			die("cannot give a task: %m");
		}
	}
	pool_close(pool);
	lab_expect(lab, pool_join(pool), "close and join wait for all tasks");
	pool_destroy(pool);
	lab_expect(lab, book.lines == LINES, "the callback was called %d times", LINES);
	lab_expect(lab, book.writer == getpid(), "always in the parent, process %d", (int)getpid());
	lab_expect(lab, count_lines(book.file) == LINES,
		   "the log has a whole line of each task, %d in all", LINES);
	fclose(book.file);
}
