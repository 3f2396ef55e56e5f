/*
 * A record of the tests is its number, and then bytes that follow from the number, so that a record
 * that is torn or mixed up shows.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "shared/base/memory.h"
#include "shared/sync/ring.h"
#include "shared/sync/waker.h"
#include "tests/support/child.h"

#define CAPACITY (4 * (size_t)RING_RECORD_MAX)
#define LONG_RUN 300000

struct record {
	uint64_t number;
	unsigned char bytes[RING_RECORD_MAX - sizeof(uint64_t)];
};

static struct memory memory;
static struct ring *ring;
static struct waker *waker;

static void set_up(void)
{
	memory_init(&memory, "ring-test", ring_size(CAPACITY) + sizeof(struct waker));
	ring = memory_take(&memory, ring_size(CAPACITY), CACHE_LINE);
	waker = memory_take(&memory, sizeof(*waker), _Alignof(struct waker));
	ring_init(ring, CAPACITY);
}

static void tear_down(void)
{
	memory_finish(&memory);
}

TestSuite(ring, .init = set_up, .fini = tear_down);

static void fill(struct record *record, uint64_t number, size_t length)
{
	record->number = number;
	memset(record->bytes, (int)(number % 251), length - sizeof(number));
}

static bool is_whole(const struct record *record, size_t length)
{
	for (size_t i = 0; i < length - sizeof(record->number); i++) {
		if (record->bytes[i] != record->number % 251) {
			return false;
		}
	}
	return true;
}

/* Either side may ask: ring_peek is the consumer's. */
static bool is_empty(void)
{
	return ring->head == ring->tail;
}

static bool put(uint64_t number, size_t length)
{
	struct record *record = ring_reserve(ring, length);

	if (!record) {
		return false;
	}
	fill(record, number, length);
	ring_publish(ring, length);
	return true;
}

static void assert_next(uint64_t number, size_t length)
{
	size_t found;
	const struct record *record = ring_peek(ring, &found);

	cr_assert_not_null(record);
	cr_assert_eq(found, length);
	cr_assert_eq(record->number, number);
	cr_assert(is_whole(record, length));
	ring_release(ring);
}

/* Lengths that differ from record to record: 8 to RING_RECORD_MAX. */
static size_t length_of(uint64_t number)
{
	return 8 + number * 2654435761 % (RING_RECORD_MAX - 7);
}

Test(ring, an_empty_one_has_nothing)
{
	size_t length;

	cr_assert(is_empty());
	cr_assert_null(ring_peek(ring, &length));
}

Test(ring, records_come_whole_and_in_order_however_often_it_goes_round)
{
	uint64_t read = 0;

	for (uint64_t written = 0; written < 20000; written++) {
		while (!put(written, length_of(written))) {
			assert_next(read, length_of(read));
			read++;
		}
	}
	for (; !is_empty(); read++) {
		assert_next(read, length_of(read));
	}
	cr_assert_eq(read, 20000);
}

Test(ring, a_record_of_any_length_is_aligned_and_in_one_piece)
{
	for (size_t length = 1; length <= RING_RECORD_MAX; length++) {
		size_t found;
		unsigned char *place = ring_reserve(ring, length);
		cr_assert_not_null(place);
		cr_assert_eq((uintptr_t)place % 8, 0);
		cr_assert_leq(place + length, ring->bytes + CAPACITY);
		memset(place, (int)length, length);
		ring_publish(ring, length);
		cr_assert_eq(ring_peek(ring, &found), place);
		cr_assert_eq(found, length);
		ring_release(ring);
	}
}

Test(ring, a_full_one_refuses_until_there_is_room)
{
	uint64_t count = 0;

	while (put(count, 1000)) {
		count++;
	}
	cr_assert_eq(count, CAPACITY / 1008);
	cr_assert(put(count, 100), "a small one still fits");
	assert_next(0, 1000);
	cr_assert(put(count, 1000));
}

Test(ring, is_used_up_to_the_last_byte)
{
	for (uint64_t i = 0; i < CAPACITY / 1024; i++) {
		cr_assert(put(i, 1016));
	}
	cr_assert_null(ring_reserve(ring, 1));
	for (uint64_t i = 0; i < CAPACITY / 1024; i++) {
		assert_next(i, 1016);
	}
	cr_assert(is_empty());
}

Test(ring, what_is_reserved_is_invisible_until_published)
{
	size_t length;
	struct record *record = ring_reserve(ring, 100);

	fill(record, 1, 100);
	cr_assert(is_empty());
	cr_assert_null(ring_peek(ring, &length));
	cr_assert(put(2, 50), "reserving again takes the first one back");
	assert_next(2, 50);
	cr_assert(is_empty());
}

/* Moves an empty ring, full of stray bytes, so that LEFT bytes remain before its end. */
static void leave(size_t left)
{
	ring_init(ring, CAPACITY);
	memset(ring->bytes, 0xee, CAPACITY);
	atomic_store(&ring->head, CAPACITY - left);
	atomic_store(&ring->tail, CAPACITY - left);
	ring->head_seen = CAPACITY - left;
}

Test(ring, less_may_be_published_than_was_reserved)
{
	for (size_t left = 8; left < 2000; left += 8) {
		leave(left);
		fill(ring_reserve(ring, 1000), 5, 1000);
		ring_publish(ring, 10);
		cr_assert(put(6, 8));
		assert_next(5, 10);
		assert_next(6, 8);
		cr_assert(is_empty());
	}
}

static int produce_one(void *argument)
{
	(void)argument;
	put(1, 64);
	return 0;
}

static void prepare_empty(void)
{
	leave(CAPACITY / 2);
}

static void prepare_end(void)
{
	leave(40);
}

static void look_after_producer(const struct child *dead)
{
	(void)dead;
	if (!is_empty()) {
		assert_next(1, 64);
	}
	cr_assert(is_empty());
	cr_assert(put(2, 64));
	assert_next(2, 64);
}

Test(ring, a_producer_killed_at_any_step_leaves_a_whole_record_or_none)
{
	child_kill_everywhere(produce_one, prepare_empty, look_after_producer);
}

Test(ring, a_producer_killed_at_any_step_of_going_round_too)
{
	child_kill_everywhere(produce_one, prepare_end, look_after_producer);
}

static int consume_one(void *argument)
{
	size_t length;

	(void)argument;
	if (!ring_peek(ring, &length)) {
		return 1;
	}
	ring_release(ring);
	return 0;
}

static void prepare_two(void)
{
	leave(40);
	put(1, 64);
	put(2, 64);
}

static void look_after_consumer(const struct child *dead)
{
	size_t length;
	const struct record *record = ring_peek(ring, &length);

	(void)dead;
	cr_assert_not_null(record);
	if (record->number == 1) {
		assert_next(1, 64);
	}
	assert_next(2, 64);
	cr_assert(is_empty());
}

Test(ring, a_consumer_killed_at_any_step_loses_nothing)
{
	child_kill_everywhere(consume_one, prepare_two, look_after_consumer);
}

static int misuse_length(void *argument)
{
	const size_t *length = argument;

	ring_reserve(ring, *length);
	return 0;
}

static int publish_unreserved(void *argument)
{
	(void)argument;
	ring_publish(ring, 8);
	return 0;
}

static int publish_longer(void *argument)
{
	(void)argument;
	ring_reserve(ring, 8);
	ring_publish(ring, 9);
	return 0;
}

static int release_nothing(void *argument)
{
	(void)argument;
	ring_release(ring);
	return 0;
}

static int make_odd(void *argument)
{
	(void)argument;
	return ring_size(CAPACITY + 8) > 0;
}

static int make_small(void *argument)
{
	(void)argument;
	return ring_size(CAPACITY / 2) > 0;
}

static void assert_is_bug(int (*run)(void *argument), void *argument)
{
	char text[512];

	cr_assert_eq(child_run_caught(run, argument, STDERR_FILENO, text, sizeof(text)), -SIGABRT);
	cr_assert_not_null(strstr(text, "ring.c"));
}

Test(ring, wrong_use_is_a_bug)
{
	size_t lengths[] = { 0, RING_RECORD_MAX + 1, SIZE_MAX };

	for (size_t i = 0; i < 3; i++) {
		assert_is_bug(misuse_length, &lengths[i]);
	}
	assert_is_bug(publish_unreserved, NULL);
	assert_is_bug(publish_longer, NULL);
	assert_is_bug(release_nothing, NULL);
	assert_is_bug(make_odd, NULL);
	assert_is_bug(make_small, NULL);
}

static void prepare_header(uint64_t header)
{
	ring_init(ring, CAPACITY);
	put(1, 64);
	memcpy(ring->bytes, &header, sizeof(header));
}

Test(ring, a_record_that_cannot_be_is_a_bug)
{
	uint64_t good;

	put(1, 64);
	memcpy(&good, ring->bytes, sizeof(good));
	uint64_t kind = good - 64;
	uint64_t bad[] = { 0, 64, kind, kind + RING_RECORD_MAX + 1, kind + 65, UINT64_MAX };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		prepare_header(bad[i]);
		assert_is_bug(consume_one, NULL);
	}
	prepare_header(good);
	cr_assert_eq(child_run(consume_one, NULL), 0);
}

Test(ring, a_place_that_cannot_be_is_a_bug)
{
	put(1, 64);
	atomic_store(&ring->tail, CAPACITY + 8);
	assert_is_bug(consume_one, NULL);
	atomic_store(&ring->tail, 71);
	assert_is_bug(consume_one, NULL);
	atomic_store(&ring->head, 144);
	atomic_store(&ring->tail, 72);
	assert_is_bug(consume_one, NULL);
	atomic_store(&ring->head, CAPACITY + 144);
	ring->head_seen = 72 - CAPACITY;
	assert_is_bug(produce_one, NULL);
}

/*
 * Puts a few records, mostly one, and wakes the consumer once. Then it waits until they are taken:
 * a second call would make good what the first one lost.
 */
static int produce_long(void *argument)
{
	(void)argument;
	for (uint64_t number = 0; number < LONG_RUN;) {
		for (int burst = rand() % 64 == 0 ? 100 : 1; burst > 0 && number < LONG_RUN;
		     burst--) {
			number += put(number, 8 + number % 64);
		}
		volatile int pause = rand() % 16;
		waker_wake(waker);
		while (!is_empty()) {
			continue;
		}
		while (pause > 0) {
			pause--;
		}
	}
	return 0;
}

static uint64_t consume_all(uint64_t next)
{
	while (!is_empty()) {
		assert_next(next, 8 + next % 64);
		next++;
	}
	return next;
}

Test(ring, no_wake_up_is_lost_in_a_long_run_between_two_processes)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int queue = epoll_create1(EPOLL_CLOEXEC);
	uint64_t next = 0;

	waker_init(waker);
	cr_assert_eq(epoll_ctl(queue, EPOLL_CTL_ADD, waker->descriptor, &event), 0);
	struct child producer = child_start(produce_long, NULL);
	while (next < LONG_RUN) {
		next = consume_all(next);
		waker_arm(waker);
		if (!is_empty() || next == LONG_RUN) {
			continue;
		}
		cr_assert_eq(epoll_wait(queue, &event, 1, (int)(CHILD_PATIENCE_NS / NS_PER_MS)), 1,
			     "sleeps on after record %lu", next);
		waker_disarm(waker);
	}
	cr_assert_eq(child_join(&producer), 0);
	cr_assert_gt(waker->writes, 10, "the consumer never slept");
	waker_finish(waker);
	close(queue);
}
