#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "shared/process/pipe.h"
#include "tests/support/child.h"

static int ends[2];

static void set_up(void)
{
	cr_assert(pipe_open(ends));
}

static void tear_down(void)
{
	pipe_close(ends[0]);
	if (ends[1] >= 0) {
		pipe_close(ends[1]);
	}
}

TestSuite(pipe, .init = set_up, .fini = tear_down);

static void close_other_end(void)
{
	pipe_close(ends[1]);
	ends[1] = -1;
}

static int send_back_longer(void *argument)
{
	unsigned char bytes[PIPE_MESSAGE_MAX];
	size_t length;

	(void)argument;
	pipe_close(ends[0]);
	while (pipe_receive(ends[1], bytes, sizeof(bytes), &length, FUTEX_FOREVER) == PIPE_DONE) {
		bytes[length] = '!';
		child_check(pipe_send(ends[1], bytes, length + 1, FUTEX_FOREVER) == PIPE_DONE);
	}
	return 0;
}

Test(pipe, carries_whole_messages_both_ways)
{
	struct child child = child_start(send_back_longer, NULL);
	unsigned char sent[PIPE_MESSAGE_MAX];
	unsigned char received[PIPE_MESSAGE_MAX];
	size_t length;

	close_other_end();
	memset(sent, 'x', sizeof(sent));
	for (size_t size = 1; size < PIPE_MESSAGE_MAX; size += 91) {
		cr_assert_eq(pipe_send(ends[0], sent, size, FUTEX_FOREVER), PIPE_DONE);
		cr_assert_eq(pipe_receive(ends[0], received, sizeof(received), &length,
					  CHILD_PATIENCE_NS),
			     PIPE_DONE);
		cr_assert_eq(length, size + 1);
		cr_assert_eq(memcmp(received, sent, size), 0);
		cr_assert_eq(received[size], '!');
	}
	child_kill(&child);
}

Test(pipe, does_not_wait_longer_than_it_is_told)
{
	char bytes[PIPE_MESSAGE_MAX] = { 0 };
	size_t length;
	int64_t before = clock_monotonic_ns();

	cr_assert_eq(pipe_receive(ends[0], bytes, sizeof(bytes), &length, 20 * NS_PER_MS),
		     PIPE_TIMED_OUT);
	cr_assert_not(pipe_poll(ends[0], 20 * NS_PER_MS));
	while (pipe_send(ends[0], bytes, sizeof(bytes), 0) == PIPE_DONE) {
		continue;
	}
	cr_assert_eq(pipe_send(ends[0], bytes, sizeof(bytes), 20 * NS_PER_MS), PIPE_TIMED_OUT);
	cr_assert_geq(clock_monotonic_ns() - before, 60 * NS_PER_MS);
	cr_assert_eq(pipe_receive(ends[0], bytes, sizeof(bytes), &length, 0), PIPE_TIMED_OUT);
	cr_assert(pipe_poll(ends[1], 0));
}

static int read_all_slowly(void *argument)
{
	char bytes[PIPE_MESSAGE_MAX];
	size_t length;
	int count = 0;

	(void)argument;
	pipe_close(ends[0]);
	clock_sleep(20 * NS_PER_MS);
	while (pipe_receive(ends[1], bytes, sizeof(bytes), &length, FUTEX_FOREVER) == PIPE_DONE) {
		child_check(bytes[0] == (char)(count++ % 100));
	}
	return count % 256;
}

Test(pipe, a_sender_waits_for_room_and_nothing_is_lost)
{
	struct child child = child_start(read_all_slowly, NULL);
	char bytes[PIPE_MESSAGE_MAX] = { 0 };

	close_other_end();
	for (int i = 0; i < 1000; i++) {
		bytes[0] = (char)(i % 100);
		cr_assert_eq(pipe_send(ends[0], bytes, sizeof(bytes), CHILD_PATIENCE_NS),
			     PIPE_DONE);
	}
	pipe_close(ends[0]);
	cr_assert_eq(child_join(&child), 1000 % 256);
	cr_assert(pipe_open(ends));
}

Test(pipe, what_was_sent_before_the_end_closed_is_received)
{
	char text[8];
	size_t length;

	cr_assert_eq(pipe_send(ends[1], "last", 4, 0), PIPE_DONE);
	close_other_end();
	cr_assert(pipe_poll(ends[0], 0));
	cr_assert_eq(pipe_receive(ends[0], text, sizeof(text), &length, 0), PIPE_DONE);
	cr_assert_eq(length, 4);
	cr_assert(pipe_poll(ends[0], 0), "its end is something to receive");
	cr_assert_eq(pipe_receive(ends[0], text, sizeof(text), &length, 0), PIPE_CLOSED);
	cr_assert_eq(pipe_send(ends[0], "x", 1, 0), PIPE_CLOSED);
}

static int wait_to_be_killed(void *argument)
{
	(void)argument;
	pipe_close(ends[0]);
	pause();
	return 0;
}

static void *kill_soon(void *argument)
{
	clock_sleep(20 * NS_PER_MS);
	child_kill(argument);
	return NULL;
}

Test(pipe, one_who_waits_is_told_when_the_other_is_killed)
{
	struct child child = child_start(wait_to_be_killed, NULL);
	char text[8];
	size_t length;
	pthread_t killer;

	close_other_end();
	cr_assert_eq(pthread_create(&killer, NULL, kill_soon, &child), 0);
	cr_assert_eq(pipe_receive(ends[0], text, sizeof(text), &length, CHILD_PATIENCE_NS),
		     PIPE_CLOSED);
	pthread_join(killer, NULL);
}

Test(pipe, a_message_too_long_for_the_buffer_is_cut_and_said_to_be)
{
	char text[4];
	size_t length;

	cr_assert_eq(pipe_send(ends[0], "longer", 6, 0), PIPE_DONE);
	cr_assert_eq(pipe_send(ends[0], "next", 4, 0), PIPE_DONE);
	cr_assert_eq(pipe_receive(ends[1], text, sizeof(text), &length, 0), PIPE_CUT);
	cr_assert_eq(length, 4);
	cr_assert_eq(memcmp(text, "long", 4), 0);
	cr_assert_eq(pipe_receive(ends[1], text, sizeof(text), &length, 0), PIPE_DONE);
	cr_assert_eq(memcmp(text, "next", 4), 0);
}
