#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/memory.h"
#include "shared/process/map.h"
#include "shared/process/pool.h"
#include "shared/sync/identity.h"
#include "shared/sync/latch.h"
#include "tests/support/child.h"

struct shared {
	_Atomic uint32_t inside;
	_Atomic uint32_t most;
	_Atomic uint32_t started;
	_Atomic uint32_t deaths_left;
	struct latch go;
};

static struct memory memory;
static struct shared *shared;
static struct pool *pool;

static void make_pool(size_t workers, size_t tasks_per_worker, unsigned tries)
{
	const struct pool_options options = {
		.workers = workers,
		.tasks_per_worker = tasks_per_worker,
		.tries = tries,
	};

	pool_destroy(pool);
	pool = pool_create(&options);
	cr_assert_not_null(pool);
}

static void set_up(void)
{
	memory_init(&memory, "turnstile-test", sizeof(struct shared));
	shared = memory.start;
	make_pool(3, 0, 0);
}

static void tear_down(void)
{
	pool_destroy(pool);
	memory_finish(&memory);
}

TestSuite(pool, .init = set_up, .fini = tear_down, .timeout = 60);

static bool square(const void *argument, size_t length, void *result, size_t size)
{
	int number;

	if (length != sizeof(number) || size != sizeof(number)) {
		return false;
	}
	memcpy(&number, argument, sizeof(number));
	if (number < 0) {
		return false;
	}
	number *= number;
	memcpy(result, &number, sizeof(number));
	return true;
}

static bool say_pid(const void *argument, size_t length, void *result, size_t size)
{
	pid_t pid = getpid();

	(void)argument;
	(void)length;
	memcpy(result, &pid, size);
	return true;
}

static bool wait_for_go(const void *argument, size_t length, void *result, size_t size)
{
	shared->started++;
	latch_wait(&shared->go, CHILD_PATIENCE_NS);
	return square(argument, length, result, size);
}

static bool die_sometimes(const void *argument, size_t length, void *result, size_t size)
{
	uint32_t left = shared->deaths_left;

	shared->started++;
	while (left > 0 && !atomic_compare_exchange_weak(&shared->deaths_left, &left, left - 1)) {
		continue;
	}
	if (left > 0) {
		raise(SIGKILL);
	}
	return square(argument, length, result, size);
}

static bool be_one_of_few(const void *argument, size_t length, void *result, size_t size)
{
	uint32_t inside = ++shared->inside;
	uint32_t most = shared->most;

	while (inside > most && !atomic_compare_exchange_weak(&shared->most, &most, inside)) {
		continue;
	}
	clock_sleep(NS_PER_MS);
	shared->inside--;
	return square(argument, length, result, size);
}

static struct pool_task task_of(pool_function run, const int *number)
{
	return (struct pool_task){
		.run = run,
		.argument = number,
		.argument_size = sizeof(*number),
		.result_size = sizeof(*number),
	};
}

static enum pool_outcome apply(pool_function run, int number, int *result)
{
	struct pool_task task = task_of(run, &number);

	return pool_apply(pool, &task, result);
}

/* What came back for a task that was handed in. */
struct answer {
	int calls;
	pid_t where;
	enum pool_outcome outcome;
	int result;
};

static void note_answer(void *context, enum pool_outcome outcome, const void *result)
{
	struct answer *answer = context;

	answer->calls++;
	answer->where = getpid();
	answer->outcome = outcome;
	if (result) {
		memcpy(&answer->result, result, sizeof(answer->result));
	}
}

static bool hand_in(pool_function run, int number, struct answer *answer)
{
	struct pool_task task = task_of(run, &number);

	*answer = (struct answer){ .calls = 0 };
	return pool_apply_async(pool, &task, note_answer, answer);
}

Test(pool, applies_a_function_in_another_process)
{
	int result = 0;
	pid_t pid = getpid();

	cr_assert_eq(apply(square, 7, &result), POOL_DONE);
	cr_assert_eq(result, 49);
	cr_assert_eq(apply(say_pid, 0, &pid), POOL_DONE);
	cr_assert_neq(pid, getpid());
}

Test(pool, says_that_a_function_failed)
{
	int result = 5;

	cr_assert_eq(apply(square, -1, &result), POOL_FAILED);
	cr_assert_eq(result, 5);
}

static bool turn_round(const void *argument, size_t length, void *result, size_t size)
{
	const unsigned char *from = argument;
	unsigned char *to = result;

	for (size_t i = 0; i < size; i++) {
		to[i] = from[length - 1 - i];
	}
	return true;
}

Test(pool, carries_the_longest_argument_and_result)
{
	unsigned char argument[POOL_ARGUMENT_MAX];
	unsigned char result[POOL_RESULT_MAX];
	struct pool_task task = { turn_round, argument, sizeof(argument), sizeof(result) };

	for (size_t i = 0; i < sizeof(argument); i++) {
		argument[i] = (unsigned char)(i % 251);
	}
	cr_assert_eq(pool_apply(pool, &task, result), POOL_DONE);
	for (size_t i = 0; i < sizeof(result); i++) {
		cr_assert_eq(result[i], argument[sizeof(argument) - 1 - i]);
	}
}

Test(pool, calls_back_in_the_parent_and_only_while_it_waits)
{
	struct answer answer;

	cr_assert(hand_in(square, 3, &answer));
	clock_sleep(20 * NS_PER_MS);
	cr_assert_eq(answer.calls, 0);
	cr_assert_eq(pool_wait(pool, CHILD_PATIENCE_NS), 1);
	cr_assert_eq(answer.calls, 1);
	cr_assert_eq(answer.where, getpid());
	cr_assert_eq(answer.outcome, POOL_DONE);
	cr_assert_eq(answer.result, 9);
	cr_assert_eq(pool_wait(pool, FUTEX_FOREVER), 0, "nothing is left to wait for");
}

Test(pool, its_descriptor_says_when_to_poll)
{
	struct answer answer;
	struct pollfd ready = { .fd = pool_descriptor(pool), .events = POLLIN };

	cr_assert(hand_in(wait_for_go, 3, &answer));
	cr_assert_eq(poll(&ready, 1, 20), 0);
	cr_assert_eq(pool_wait(pool, 0), 0);
	latch_set(&shared->go);
	cr_assert_eq(poll(&ready, 1, 10000), 1);
	cr_assert_eq(pool_wait(pool, 0), 1);
	cr_assert_eq(answer.result, 9);
	cr_assert_eq(poll(&ready, 1, 0), 0);
}

Test(pool, a_wait_ends_in_time)
{
	struct answer answer;
	int64_t before = clock_monotonic_ns();

	cr_assert(hand_in(wait_for_go, 3, &answer));
	cr_assert_eq(pool_wait(pool, 30 * NS_PER_MS), 0);
	cr_assert_geq(clock_monotonic_ns() - before, 30 * NS_PER_MS);
	latch_set(&shared->go);
	cr_assert_eq(pool_wait(pool, CHILD_PATIENCE_NS), 1);
}

Test(pool, never_more_at_once_than_it_has_workers)
{
	enum { COUNT = 100 };
	struct answer answers[COUNT];

	for (int i = 0; i < COUNT; i++) {
		cr_assert(hand_in(be_one_of_few, i, &answers[i]));
	}
	cr_assert_eq(pool_unfinished(pool), COUNT);
	pool_close(pool);
	cr_assert(pool_join(pool));
	for (int i = 0; i < COUNT; i++) {
		cr_assert_eq(answers[i].result, i * i);
	}
	cr_assert_eq(shared->most, 3);
}

Test(pool, has_as_many_workers_as_there_are_processors_if_nothing_is_said)
{
	make_pool(0, 0, 0);
	cr_assert_eq(pool_workers(pool), (size_t)sysconf(_SC_NPROCESSORS_ONLN));
}

struct chain {
	int left;
	bool refused;
};

static void hand_in_next(void *context, enum pool_outcome outcome, const void *result)
{
	struct chain *chain = context;
	struct pool_task task = task_of(square, &chain->left);

	(void)outcome;
	(void)result;
	if (chain->left-- > 0) {
		chain->refused |= !pool_apply_async(pool, &task, hand_in_next, chain);
	}
}

Test(pool, a_callback_may_hand_in_more)
{
	struct chain chain = { .left = 50 };

	hand_in_next(&chain, POOL_DONE, NULL);
	while (pool_unfinished(pool) > 0) {
		pool_wait(pool, CHILD_PATIENCE_NS);
	}
	cr_assert_eq(chain.left, -1);
	cr_assert_not(chain.refused);
}

Test(pool, takes_nothing_in_once_closed_and_finishes_what_it_has)
{
	struct answer answer;
	struct answer refused;
	pid_t workers[3];

	for (size_t i = 0; i < 3; i++) {
		workers[i] = pool_worker_pid(pool, i);
	}
	cr_assert_not(pool_join(pool), "it is neither closed nor terminated");
	cr_assert(hand_in(square, 4, &answer));
	pool_close(pool);
	cr_assert_not(hand_in(square, 4, &refused));
	cr_assert_eq(errno, EPIPE);
	cr_assert(pool_join(pool));
	cr_assert_eq(answer.result, 16);
	cr_assert_eq(refused.calls, 0);
	for (size_t i = 0; i < 3; i++) {
		cr_assert_eq(kill(workers[i], 0), -1);
		cr_assert_eq(errno, ESRCH);
		cr_assert_eq(pool_worker_pid(pool, i), 0);
	}
	cr_assert(pool_join(pool), "and once more");
}

Test(pool, terminated_it_reports_every_task_as_lost)
{
	enum { COUNT = 10 };
	struct answer answers[COUNT];

	for (int i = 0; i < COUNT; i++) {
		cr_assert(hand_in(wait_for_go, i, &answers[i]));
	}
	cr_assert(eventually(shared->started == 3));
	pool_terminate(pool);
	cr_assert_eq(pool_unfinished(pool), 0);
	for (int i = 0; i < COUNT; i++) {
		cr_assert_eq(answers[i].calls, 1);
		cr_assert_eq(answers[i].outcome, POOL_LOST);
	}
	cr_assert(pool_join(pool));
}

Test(pool, a_worker_is_replaced_after_so_many_tasks)
{
	pid_t pids[9];

	make_pool(1, 3, 0);
	for (int i = 0; i < 9; i++) {
		cr_assert_eq(apply(say_pid, 0, &pids[i]), POOL_DONE);
	}
	for (int i = 0; i < 9; i++) {
		cr_assert_eq(pids[i] == pids[0], i < 3, "task %d", i);
	}
	for (int i = 0; i < 9; i++) {
		cr_assert_eq(pids[i], pids[i / 3 * 3], "task %d", i);
	}
}

Test(pool, a_killed_workers_task_is_reported_and_the_worker_replaced)
{
	int result = 0;

	make_pool(1, 0, 0);
	shared->deaths_left = 1;
	cr_assert_eq(apply(die_sometimes, 5, &result), POOL_LOST);
	cr_assert_eq(shared->started, 1);
	cr_assert_eq(apply(die_sometimes, 5, &result), POOL_DONE);
	cr_assert_eq(result, 25);
}

Test(pool, a_killed_workers_task_is_given_out_again_if_asked_for_but_not_for_ever)
{
	int result = 0;

	make_pool(2, 0, 3);
	shared->deaths_left = 2;
	cr_assert_eq(apply(die_sometimes, 5, &result), POOL_DONE);
	cr_assert_eq(result, 25);
	cr_assert_eq(shared->started, 3);
	shared->deaths_left = 100;
	cr_assert_eq(apply(die_sometimes, 5, &result), POOL_LOST);
	cr_assert_eq(shared->started, 6);
}

Test(pool, an_idle_worker_that_is_killed_costs_nothing)
{
	int result = 0;

	for (int round = 0; round < 20; round++) {
		for (size_t i = 0; i < 3; i++) {
			if (pool_worker_pid(pool, i) != 0) {
				kill(pool_worker_pid(pool, i), SIGKILL);
			}
		}
		cr_assert_eq(apply(square, round, &result), POOL_DONE);
		cr_assert_eq(result, round * round);
	}
}

Test(pool, whichever_workers_are_killed_each_task_is_over_once)
{
	enum { COUNT = 400 };
	static struct answer answers[COUNT];

	make_pool(4, 10, 100);
	for (int i = 0; i < COUNT; i++) {
		cr_assert(hand_in(be_one_of_few, i, &answers[i]));
	}
	while (pool_unfinished(pool) > 0) {
		pid_t victim = pool_worker_pid(pool, (size_t)rand() % 4);
		if (victim != 0 && rand() % 4 == 0) {
			kill(victim, SIGKILL);
		}
		pool_wait(pool, 10 * NS_PER_MS);
	}
	for (int i = 0; i < COUNT; i++) {
		cr_assert_eq(answers[i].calls, 1);
		cr_assert_eq(answers[i].outcome, POOL_DONE);
		cr_assert_eq(answers[i].result, i * i);
	}
}

static size_t open_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	size_t count = 0;

	while (readdir(folder)) {
		count++;
	}
	closedir(folder);
	return count;
}

Test(pool, leaves_no_descriptor_and_no_child_behind)
{
	pool_destroy(pool);
	pool = NULL;
	size_t before = open_descriptors();
	make_pool(3, 1, 2);
	shared->deaths_left = 5;
	int result;
	for (int i = 0; i < 20; i++) {
		apply(die_sometimes, i, &result);
	}
	pool_destroy(pool);
	pool = NULL;
	cr_assert_eq(open_descriptors(), before);
	cr_assert_eq(waitpid(-1, NULL, WNOHANG), -1);
	cr_assert_eq(errno, ECHILD);
}

static bool count_descriptors(const void *argument, size_t length, void *result, size_t size)
{
	int count = (int)open_descriptors();

	(void)argument;
	(void)length;
	memcpy(result, &count, size);
	return true;
}

Test(pool, a_worker_has_none_of_the_others_pipes)
{
	int one = 0;
	int many = 0;

	make_pool(1, 0, 0);
	cr_assert_eq(apply(count_descriptors, 0, &one), POOL_DONE);
	make_pool(8, 0, 0);
	kill(pool_worker_pid(pool, 0), SIGKILL);
	for (int i = 0; i < 50; i++) {
		cr_assert_eq(apply(count_descriptors, 0, &many), POOL_DONE);
		cr_assert_eq(many, one);
	}
}

static int keep_all_descriptors(void *argument)
{
	(void)argument;
	pause();
	return 0;
}

Test(pool, its_descriptor_is_quiet_though_a_stranger_holds_a_dead_workers_pipe)
{
	struct child stranger = child_start(keep_all_descriptors, NULL);
	struct pollfd ready = { .fd = pool_descriptor(pool), .events = POLLIN };
	int result = 0;

	kill(pool_worker_pid(pool, 0), SIGKILL);
	cr_assert_eq(poll(&ready, 1, 10000), 1);
	cr_assert(eventually((pool_wait(pool, 0), poll(&ready, 1, 0) == 0)));
	cr_assert_eq(apply(square, 3, &result), POOL_DONE);
	child_kill(&stranger);
}

static int make_pool_and_die(void *argument)
{
	(void)argument;
	pool = NULL; /* the parent's */
	make_pool(2, 0, 0);
	shared->inside = (uint32_t)pool_worker_pid(pool, 0);
	raise(SIGKILL);
	return 0;
}

Test(pool, its_workers_end_with_their_parent)
{
	cr_assert_eq(child_run(make_pool_and_die, NULL), -SIGKILL);
	cr_assert_neq(shared->inside, 0);
	struct identity worker = { .pid = (pid_t)shared->inside };
	cr_assert(eventually(!identity_alive(worker)));
}

/* map */

#define ELEMENTS 200

static int numbers[ELEMENTS];
static int squares[ELEMENTS];
static enum pool_outcome outcomes[ELEMENTS];

static struct map map_of(pool_function run, size_t count)
{
	for (int i = 0; i < ELEMENTS; i++) {
		numbers[i] = i;
	}
	return (struct map){
		.run = run,
		.arguments = numbers,
		.argument_size = sizeof(int),
		.result_size = sizeof(int),
		.count = count,
	};
}

TestSuite(map, .init = set_up, .fini = tear_down, .timeout = 60);

Test(map, puts_each_result_where_its_argument_was)
{
	struct map map = map_of(square, ELEMENTS);

	numbers[17] = -1;
	cr_assert_eq(map_all(pool, &map, squares, outcomes), ELEMENTS - 1);
	for (int i = 0; i < ELEMENTS; i++) {
		cr_assert_eq(squares[i], i == 17 ? 0 : i * i);
		cr_assert_eq(outcomes[i], i == 17 ? POOL_FAILED : POOL_DONE);
	}
	cr_assert_eq(map_all(pool, &map, squares, NULL), ELEMENTS - 1);
}

Test(map, of_nothing_is_over_at_once)
{
	struct map map = map_of(square, 0);
	struct map_iterator *iterator = map_iterate(pool, &map);
	enum pool_outcome outcome;
	int result;

	cr_assert_eq(map_all(pool, &map, NULL, NULL), 0);
	cr_assert_not_null(iterator);
	cr_assert_not(map_next(iterator, &result, &outcome));
	map_iterator_destroy(iterator);
}

static void count_call(void *context, size_t done)
{
	size_t *counts = context;

	counts[0]++;
	counts[1] += done;
}

Test(map, async_calls_back_once_when_all_are_over)
{
	struct map map = map_of(square, ELEMENTS);
	size_t counts[2] = { 0 };

	cr_assert(map_async(pool, &map, squares, outcomes, count_call, counts));
	cr_assert_eq(counts[0], 0);
	pool_close(pool);
	cr_assert(pool_join(pool));
	cr_assert_eq(counts[0], 1);
	cr_assert_eq(counts[1], ELEMENTS);
	cr_assert_eq(squares[ELEMENTS - 1], (ELEMENTS - 1) * (ELEMENTS - 1));
	cr_assert_not(map_async(pool, &map, squares, outcomes, count_call, counts));
	cr_assert_eq(errno, EPIPE);
	cr_assert_eq(map_all(pool, &map, squares, outcomes), 0);
	cr_assert_eq(outcomes[0], POOL_LOST);
	cr_assert_null(map_iterate(pool, &map));
}

static bool go_only_first(const void *argument, size_t length, void *result, size_t size)
{
	int number;

	memcpy(&number, argument, sizeof(number));
	if (number > 0) {
		latch_wait(&shared->go, CHILD_PATIENCE_NS);
	}
	return square(argument, length, result, size);
}

Test(map, iterates_in_order_and_as_soon_as_the_next_is_there)
{
	struct map map = map_of(go_only_first, ELEMENTS);
	struct map_iterator *iterator = map_iterate(pool, &map);
	enum pool_outcome outcome;
	int result;

	cr_assert(map_next(iterator, &result, &outcome));
	cr_assert_not(latch_is_set(&shared->go));
	latch_set(&shared->go);
	for (int i = 1; i < ELEMENTS; i++) {
		cr_assert(map_next(iterator, &result, &outcome));
		cr_assert_eq(outcome, POOL_DONE);
		cr_assert_eq(result, i * i);
	}
	cr_assert_not(map_next(iterator, &result, &outcome));
	map_iterator_destroy(iterator);
}

Test(map, an_iterator_may_be_given_up_halfway)
{
	struct map map = map_of(square, ELEMENTS);
	enum pool_outcome outcome;
	int result;

	for (int round = 0; round < 2; round++) {
		struct map_iterator *iterator = map_iterate(pool, &map);
		cr_assert(map_next(iterator, &result, &outcome));
		map_iterator_destroy(iterator);
	}
	cr_assert_gt(pool_unfinished(pool), 0);
}

Test(map, killed_workers_lose_their_own_elements_only)
{
	struct map map = map_of(die_sometimes, ELEMENTS);

	shared->deaths_left = 5;
	cr_assert_eq(map_all(pool, &map, squares, outcomes), ELEMENTS - 5);
	for (int i = 0; i < ELEMENTS; i++) {
		cr_assert_eq(squares[i], outcomes[i] == POOL_DONE ? i * i : 0);
	}
}
