#include <criterion/criterion.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/memory.h"
#include "shared/sync/queue.h"
#include "tests/support/child.h"
#include "tests/support/kills.h"

#define RECORDS    8
#define RECORD_MAX 200
#define PRODUCERS  3
#define CONSUMERS  3
#define EACH       500 /* records a producer */

/* What goes through the queue: LENGTH bytes in all, filled so that a mixture would be seen. */
struct record {
	uint32_t producer;
	uint32_t number;
	unsigned char fill[RECORD_MAX - 8];
};

struct shared {
	_Atomic uint32_t producers;
	_Atomic uint32_t consumers;
	_Atomic uint32_t seen[PRODUCERS][EACH];
	_Atomic uint64_t taken;
	_Alignas(CACHE_LINE) unsigned char queue[];
};

static struct memory memory;
static struct shared *shared;
static struct queue *queue;

static void init(enum queue_kind kind)
{
	queue_init(queue, kind, RECORDS, RECORD_MAX);
}

static void set_up(void)
{
	memory_init(&memory, "turnstile-test",
		    sizeof(struct shared) + queue_size(RECORDS, RECORD_MAX));
	shared = memory.start;
	queue = (struct queue *)(void *)shared->queue;
	init(QUEUE_PLAIN);
	identity_own();
}

static void tear_down(void)
{
	memory_finish(&memory);
}

TestSuite(queue, .init = set_up, .fini = tear_down);

static size_t length_of(const struct record *record)
{
	return 8 + (record->producer * 31 + record->number * 7) % (RECORD_MAX - 7);
}

static enum queue_result put_record(uint32_t producer, uint32_t number, int64_t timeout_ns)
{
	struct record record = { .producer = producer, .number = number };

	memset(record.fill, (int)(number % 251), sizeof(record.fill));
	return queue_put(queue, &record, length_of(&record), timeout_ns);
}

static bool is_whole(const struct record *record, size_t length)
{
	if (length != length_of(record)) {
		return false;
	}
	for (size_t i = 0; i < length - 8; i++) {
		if (record->fill[i] != record->number % 251) {
			return false;
		}
	}
	return true;
}

static int produce(void *argument)
{
	uint32_t producer = shared->producers++;

	(void)argument;
	for (uint32_t i = 0; i < EACH; i++) {
		child_check(put_record(producer, i, CHILD_PATIENCE_NS) == QUEUE_DONE);
	}
	return 0;
}

static int consume(void *argument)
{
	uint32_t next[PRODUCERS] = { 0 };
	struct record record;
	size_t length;

	(void)argument;
	while (queue_get(queue, &record, sizeof(record), &length, 4 * FUTEX_NAP_NS) == QUEUE_DONE) {
		child_check(is_whole(&record, length));
		child_check(record.number >= next[record.producer]);
		next[record.producer] = record.number + 1;
		shared->seen[record.producer][record.number]++;
		shared->taken++;
	}
	return 0;
}

Test(queue, carries_each_record_whole_once_and_in_its_producers_order)
{
	struct child children[PRODUCERS + CONSUMERS];

	for (size_t i = 0; i < CONSUMERS + PRODUCERS; i++) {
		children[i] = child_start(i < CONSUMERS ? consume : produce, NULL);
	}
	for (size_t i = 0; i < CONSUMERS + PRODUCERS; i++) {
		cr_assert_eq(child_join(&children[i]), 0);
	}
	for (size_t i = 0; i < PRODUCERS; i++) {
		for (size_t number = 0; number < EACH; number++) {
			cr_assert_eq(shared->seen[i][number], 1);
		}
	}
	cr_assert_eq(queue_length(queue), 0);
}

static void fill_up(void)
{
	for (uint32_t i = 0; i < RECORDS; i++) {
		cr_assert_eq(put_record(0, i, 0), QUEUE_DONE);
	}
}

Test(queue, does_not_wait_longer_than_it_is_told)
{
	struct record record;
	size_t length;
	int64_t before = clock_monotonic_ns();

	cr_assert_eq(queue_get(queue, &record, sizeof(record), &length, 0), QUEUE_TIMED_OUT);
	cr_assert_eq(queue_get(queue, &record, sizeof(record), &length, FUTEX_NAP_NS),
		     QUEUE_TIMED_OUT);
	fill_up();
	cr_assert_eq(put_record(0, 99, 0), QUEUE_TIMED_OUT);
	cr_assert_eq(put_record(0, 99, FUTEX_NAP_NS), QUEUE_TIMED_OUT);
	cr_assert_geq(clock_monotonic_ns() - before, 2 * FUTEX_NAP_NS);
	for (uint32_t i = 0; i < RECORDS; i++) {
		cr_assert_eq(queue_get(queue, &record, sizeof(record), &length, 0), QUEUE_DONE);
		cr_assert_eq(record.number, i);
	}
	cr_assert_eq(queue_length(queue), 0);
}

Test(queue, takes_records_up_to_the_limit_and_refuses_longer_ones)
{
	unsigned char bytes[RECORD_MAX + 1] = { 0 };
	size_t length;

	cr_assert_eq(queue_put(queue, bytes, RECORD_MAX + 1, 0), QUEUE_TOO_LONG);
	cr_assert_eq(queue_put(queue, bytes, RECORD_MAX, 0), QUEUE_DONE);
	cr_assert_eq(queue_put(queue, bytes, 0, 0), QUEUE_DONE);
	cr_assert_eq(queue_get(queue, bytes, RECORD_MAX - 1, &length, 0), QUEUE_TOO_LONG);
	cr_assert_eq(length, RECORD_MAX);
	cr_assert_eq(queue_get(queue, bytes, RECORD_MAX, &length, 0), QUEUE_DONE);
	cr_assert_eq(length, RECORD_MAX);
	cr_assert_eq(queue_get(queue, bytes, 0, &length, 0), QUEUE_DONE);
	cr_assert_eq(length, 0);
}

Test(queue, a_task_is_done_once)
{
	struct record record;
	size_t length;

	init(QUEUE_JOINABLE);
	cr_assert_eq(queue_join(queue, 0), QUEUE_DONE);
	cr_assert_eq(put_record(0, 0, 0), QUEUE_DONE);
	cr_assert_eq(queue_task_done(queue), QUEUE_TOO_OFTEN, "it is not even taken");
	cr_assert_eq(queue_get(queue, &record, sizeof(record), &length, 0), QUEUE_DONE);
	cr_assert_eq(queue_join(queue, NS_PER_MS), QUEUE_TIMED_OUT);
	cr_assert_eq(queue_task_done(queue), QUEUE_DONE);
	cr_assert_eq(queue_join(queue, 0), QUEUE_DONE);
	cr_assert_eq(queue_task_done(queue), QUEUE_TOO_OFTEN);
}

static int work_for_ever(void *argument)
{
	struct record record;
	size_t length;

	(void)argument;
	for (;;) {
		child_check(queue_get(queue, &record, sizeof(record), &length, FUTEX_FOREVER) ==
			    QUEUE_DONE);
		shared->taken++;
		clock_sleep(100 * NS_PER_US);
		child_check(queue_task_done(queue) == QUEUE_DONE);
	}
	return 0;
}

Test(queue, join_waits_until_all_that_was_put_is_done)
{
	struct child workers[CONSUMERS];

	init(QUEUE_JOINABLE);
	for (size_t i = 0; i < CONSUMERS; i++) {
		workers[i] = child_start(work_for_ever, NULL);
	}
	for (uint32_t i = 0; i < 200; i++) {
		cr_assert_eq(put_record(0, i, CHILD_PATIENCE_NS), QUEUE_DONE);
	}
	cr_assert_eq(queue_join(queue, CHILD_PATIENCE_NS), QUEUE_DONE);
	cr_assert_eq(shared->taken, 200);
	cr_assert_eq(queue->done, 200);
	cr_assert_eq(queue_lost(queue), 0);
	for (size_t i = 0; i < CONSUMERS; i++) {
		child_kill(&workers[i]);
	}
}

static int take_three_and_die(void *argument)
{
	struct record record;
	size_t length;

	(void)argument;
	for (int i = 0; i < 3; i++) {
		child_check(queue_get(queue, &record, sizeof(record), &length, 0) == QUEUE_DONE);
	}
	raise(SIGKILL);
	return 0;
}

static int join(void *argument)
{
	(void)argument;
	child_check(queue_join(queue, CHILD_PATIENCE_NS) == QUEUE_DONE);
	return 0;
}

Test(queue, join_does_not_wait_for_the_dead_and_counts_what_they_took)
{
	struct child joiners[2];
	struct record record;
	size_t length;

	init(QUEUE_JOINABLE);
	fill_up();
	for (size_t i = 0; i < 2; i++) {
		joiners[i] = child_start(join, NULL);
	}
	cr_assert_eq(child_run(take_three_and_die, NULL), -SIGKILL);
	for (uint32_t i = 3; i < RECORDS; i++) {
		cr_assert_eq(queue_get(queue, &record, sizeof(record), &length, 0), QUEUE_DONE);
		cr_assert_eq(record.number, i);
		cr_assert_eq(queue_task_done(queue), QUEUE_DONE);
	}
	for (size_t i = 0; i < 2; i++) {
		cr_assert_eq(child_join(&joiners[i]), 0);
	}
	cr_assert_eq(queue_lost(queue), 3);
	cr_assert_eq(queue_task_done(queue), QUEUE_TOO_OFTEN);
}

static int put_one(void *argument)
{
	(void)argument;
	child_check(put_record(2, 20, 0) == QUEUE_DONE);
	return 0;
}

/* What one would find who came after a death at this very moment. */
static void expect_whole_or_none(void *argument)
{
	(void)argument;
	cr_assert_leq(queue_length(queue), 1);
	if (queue_length(queue) == 1) {
		uint64_t length;
		memcpy(&length, queue->slots, sizeof(length));
		cr_assert(is_whole((void *)(queue->slots + sizeof(length)), length));
	}
}

Test(queue, a_record_is_whole_or_not_there_at_every_step)
{
	watch_each_step(put_one, NULL, expect_whole_or_none);
	cr_assert_eq(queue_length(queue), 1);
}

static int put_take_and_finish(void *argument)
{
	struct record record;
	size_t length;

	(void)argument;
	child_check(put_record(1, 2, 0) == QUEUE_DONE);
	child_check(queue_get(queue, &record, sizeof(record), &length, 0) == QUEUE_DONE);
	child_check(is_whole(&record, length));
	if (queue->kind == QUEUE_JOINABLE) {
		child_check(queue_task_done(queue) == QUEUE_DONE);
	}
	return 0;
}

static int put_take_and_finish_for_ever(void *argument)
{
	for (;;) {
		put_take_and_finish(argument);
	}
	return 0;
}

/* One record at most is left, and it is whole; all that was taken comes to be done. */
static void expect_whole(void *argument)
{
	struct record record;
	size_t length;

	(void)argument;
	cr_assert_leq(queue_length(queue), 1);
	if (queue_get(queue, &record, sizeof(record), &length, 0) == QUEUE_DONE) {
		cr_assert(is_whole(&record, length));
		if (queue->kind == QUEUE_JOINABLE) {
			cr_assert_eq(queue_task_done(queue), QUEUE_DONE);
		}
	}
	cr_assert_eq(put_record(0, 1, 0), QUEUE_DONE, "the mutex's next holder repairs");
	cr_assert_eq(queue_get(queue, &record, sizeof(record), &length, 0), QUEUE_DONE);
	if (queue->kind == QUEUE_PLAIN) {
		return;
	}
	cr_assert_eq(queue_task_done(queue), QUEUE_DONE);
	cr_assert_eq(queue->head - queue->done, holders_sum(&queue->takers));
	queue->takers.searched_ns = 0; /* the test need not wait for the next search */
	cr_assert_eq(queue_join(queue, CHILD_PATIENCE_NS), QUEUE_DONE);
	cr_assert_eq(queue->done, queue->tail);
	cr_assert_eq(queue_task_done(queue), QUEUE_TOO_OFTEN);
}

Test(queue, killed_at_any_step_a_process_leaves_it_whole)
{
	kill_at_steps(put_take_and_finish, NULL, expect_whole);
}

Test(queue, killed_at_any_step_a_process_leaves_a_joinable_one_whole)
{
	init(QUEUE_JOINABLE);
	kill_at_steps(put_take_and_finish, NULL, expect_whole);
}

Test(queue, killed_at_any_time_a_process_leaves_it_whole)
{
	kill_at_random(200, put_take_and_finish_for_ever, NULL, expect_whole);
}

Test(queue, killed_at_any_time_a_process_leaves_a_joinable_one_whole)
{
	init(QUEUE_JOINABLE);
	kill_at_random(200, put_take_and_finish_for_ever, NULL, expect_whole);
}

static int produce_for_ever(void *argument)
{
	(void)argument;
	for (uint32_t i = 0;; i++) {
		child_check(put_record(0, i % EACH, FUTEX_FOREVER) == QUEUE_DONE);
	}
	return 0;
}

static int consume_for_ever(void *argument)
{
	struct record record;
	size_t length;

	(void)argument;
	for (;;) {
		child_check(queue_get(queue, &record, sizeof(record), &length, FUTEX_FOREVER) ==
			    QUEUE_DONE);
		child_check(is_whole(&record, length));
		shared->taken++;
	}
	return 0;
}

static struct child start_one(size_t index)
{
	return child_start(index < CONSUMERS ? consume_for_ever : produce_for_ever, NULL);
}

Test(queue, killed_at_random_producers_and_consumers_jam_nobody_and_lose_one_record_each)
{
	struct child children[PRODUCERS + CONSUMERS];
	uint64_t kills = 100;

	for (size_t i = 0; i < PRODUCERS + CONSUMERS; i++) {
		children[i] = start_one(i);
	}
	for (uint64_t round = 0; round < kills; round++) {
		size_t victim = (size_t)rand() % (PRODUCERS + CONSUMERS);
		clock_sleep(rand() % 1000 * NS_PER_US);
		cr_assert_eq(child_kill(&children[victim]), -SIGKILL);
		children[victim] = start_one(victim);
		uint64_t before = shared->taken;
		cr_assert(eventually(shared->taken > before), "round %d", (int)round);
	}
	for (size_t i = 0; i < PRODUCERS + CONSUMERS; i++) {
		cr_assert_eq(child_kill(&children[i]), -SIGKILL);
	}
	cr_assert_leq(queue->head - shared->taken, kills + CONSUMERS);
}
