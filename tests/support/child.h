/*
 * child: a forked child of a test. It always ends by _exit (one that returned from a test would run
 * the rest of the tests again) and never outlives the test, however that ends.
 *
 * A child can also count its own instructions (the processor's trap flag) and be killed or stopped
 * at any of them: so what is promised about a death "between any two instructions" is tried there.
 * Every wait is bounded.
 */
#ifndef TESTS_SUPPORT_CHILD_H
#define TESTS_SUPPORT_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "shared/base/clock.h"

#define CHILD_FAILED      99      /* exit status: a child_check did not hold */
#define CHILD_STUCK       (-1000) /* not a status: it did not end and was killed */
#define CHILD_UNTRACEABLE (-1)    /* the system lets nobody trace, or RUN goes on too long */
#define CHILD_KILLS       200     /* at how many steps to kill, if there are as many */
#define CHILD_PATIENCE_NS (10 * NS_PER_SECOND)

struct child {
	pid_t pid;
	bool ended;
	int status; /* 0 to 255, or -N when signal N ended it, or CHILD_STUCK */
};

/* Forks a child that ends with what RUN(ARGUMENT) returns. */
struct child child_start(int (*run)(void *argument), void *argument);

/* Waits for its end, with patience, and says how it ended. May be asked again. */
int child_join(struct child *child);

/* SIGKILL, and child_join. */
int child_kill(struct child *child);

/* child_start and child_join. */
int child_run(int (*run)(void *argument), void *argument);

/*
 * As child_run, with its descriptor FROM (such as STDERR_FILENO) caught in TEXT (SIZE bytes, with a
 * NUL).
 */
int child_run_caught(int (*run)(void *argument), void *argument, int from, char *text, size_t size);

/*
 * Where no instructions can be counted (another processor than x86-64) the functions below skip the
 * test.
 *
 * child_count_steps: how many instructions RUN(ARGUMENT) takes in a child. Call RUN in the test
 * itself before, or the dynamic linker's work is among the steps.
 */
long child_count_steps(int (*run)(void *argument), void *argument);

/*
 * As child_start, but the child gets SIGKILL, or stops, after so many steps of RUN; returns when it
 * is dead, or stopped, or ended before.
 */
struct child child_kill_at(int (*run)(void *argument), void *argument, long steps);
struct child child_stop_at(int (*run)(void *argument), void *argument, long steps);

/* Lets a stopped child go on, without counting. */
void child_go_on(struct child *child);

/*
 * Kills children that run RUN(NULL), each after PREPARE, and then has LOOK see what a dead one
 * left: at every instruction when it is first come to (or at a few hundred, where there are more),
 * and at some later steps.
 */
void child_kill_everywhere(int (*run)(void *argument), void (*prepare)(void),
			   void (*look)(const struct child *dead));

/* In a child, in place of Criterion's assertions: says what does not hold and ends it. */
#define child_check(condition) \
	((condition) ? (void)0 : child_check_failed(__FILE__, __LINE__, #condition))
_Noreturn void child_check_failed(const char *file, int line, const char *condition);

/* Whether CONDITION comes true, with patience. */
#define eventually(condition)                                                                     \
	__extension__({                                                                           \
		int64_t eventually_end = clock_deadline(CHILD_PATIENCE_NS);                       \
		bool eventually_true;                                                             \
		while (!(eventually_true = (condition)) && clock_monotonic_ns() < eventually_end) \
			clock_sleep(NS_PER_MS);                                                   \
		eventually_true;                                                                  \
	})

#endif
