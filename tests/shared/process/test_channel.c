#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/process/channel.h"
#include "tests/support/child.h"

static int ends[2];
static struct channel_message message;

static void set_up(void)
{
	cr_assert(channel_open(ends));
}

static void close_end(int which)
{
	if (ends[which] >= 0) {
		close(ends[which]);
	}
	ends[which] = -1;
}

static void tear_down(void)
{
	close_end(0);
	close_end(1);
}

TestSuite(channel, .init = set_up, .fini = tear_down);

static int count_open(void)
{
	DIR *folder = opendir("/proc/self/fd");
	int count = 0;

	cr_assert_not_null(folder);
	while (readdir(folder)) {
		count++;
	}
	closedir(folder);
	return count;
}

static void close_received(void)
{
	for (size_t i = 0; i < message.descriptor_count; i++) {
		close(message.descriptors[i]);
	}
}

static void send_text(int which, const char *text)
{
	cr_assert_eq(channel_send(ends[which], text, strlen(text), NULL, 0), CHANNEL_OK);
}

static void assert_text(int which, const char *text)
{
	cr_assert_eq(channel_receive(ends[which], &message), CHANNEL_OK);
	cr_assert_eq(message.length, strlen(text));
	cr_assert_eq(memcmp(message.bytes, text, message.length), 0);
	cr_assert_eq(message.descriptor_count, 0);
}

Test(channel, messages_stay_apart_both_ways)
{
	send_text(0, "one");
	send_text(0, "two and more");
	send_text(1, "back");
	assert_text(1, "one");
	assert_text(1, "two and more");
	assert_text(0, "back");
	cr_assert_eq(channel_receive(ends[0], &message), CHANNEL_EMPTY);
}

Test(channel, carries_the_longest_message_with_the_most_descriptors)
{
	static unsigned char bytes[CHANNEL_MESSAGE_MAX];
	int descriptors[CHANNEL_DESCRIPTORS_MAX];

	memset(bytes, 'x', sizeof(bytes));
	for (size_t i = 0; i < CHANNEL_DESCRIPTORS_MAX; i++) {
		descriptors[i] = ends[i % 2];
	}
	cr_assert_eq(
		channel_send(ends[0], bytes, sizeof(bytes), descriptors, CHANNEL_DESCRIPTORS_MAX),
		CHANNEL_OK);
	cr_assert_eq(channel_receive(ends[1], &message), CHANNEL_OK);
	cr_assert_eq(message.length, sizeof(bytes));
	cr_assert_eq(memcmp(message.bytes, bytes, sizeof(bytes)), 0);
	cr_assert_eq(message.descriptor_count, CHANNEL_DESCRIPTORS_MAX);
	close_received();
}

Test(channel, a_descriptor_works_at_the_receiver_and_stays_the_senders)
{
	int pair[2];
	char byte = 0;

	cr_assert_eq(pipe2(pair, O_CLOEXEC), 0);
	cr_assert_eq(channel_send(ends[0], "w", 1, &pair[1], 1), CHANNEL_OK);
	cr_assert_eq(channel_receive(ends[1], &message), CHANNEL_OK);
	cr_assert_eq(message.descriptor_count, 1);
	cr_assert_neq(message.descriptors[0], pair[1]);
	cr_assert(fcntl(message.descriptors[0], F_GETFD) & FD_CLOEXEC);
	cr_assert_eq(write(message.descriptors[0], "!", 1), 1);
	cr_assert_eq(read(pair[0], &byte, 1), 1);
	cr_assert_eq(byte, '!');
	cr_assert_eq(fcntl(pair[1], F_GETFD), FD_CLOEXEC, "it is still open here");
	close_received();
	close(pair[0]);
	close(pair[1]);
}

Test(channel, its_ends_do_not_block_and_are_closed_on_exec)
{
	for (int i = 0; i < 2; i++) {
		cr_assert(fcntl(ends[i], F_GETFL) & O_NONBLOCK);
		cr_assert(fcntl(ends[i], F_GETFD) & FD_CLOEXEC);
	}
}

Test(channel, a_full_queue_refuses_until_it_is_read)
{
	int sent = 0;

	while (channel_send(ends[0], "x", 1, NULL, 0) == CHANNEL_OK) {
		sent++;
	}
	cr_assert_gt(sent, 10);
	cr_assert_eq(channel_send(ends[0], "x", 1, NULL, 0), CHANNEL_FULL);
	for (int i = 0; i < sent; i++) {
		cr_assert_eq(channel_receive(ends[1], &message), CHANNEL_OK);
	}
	cr_assert_eq(channel_receive(ends[1], &message), CHANNEL_EMPTY);
	send_text(0, "again");
	assert_text(1, "again");
}

Test(channel, a_dead_peer_is_noticed_once_all_it_sent_is_read)
{
	send_text(1, "last words");
	close_end(1);
	cr_assert_eq(channel_send(ends[0], "x", 1, NULL, 0), CHANNEL_CLOSED);
	assert_text(0, "last words");
	cr_assert_eq(channel_receive(ends[0], &message), CHANNEL_CLOSED);
	cr_assert_eq(channel_receive(ends[0], &message), CHANNEL_CLOSED);
}

Test(channel, what_a_peer_sent_is_read_though_it_died_with_ours_unread)
{
	send_text(1, "last words");
	send_text(0, "never read");
	close_end(1);
	assert_text(0, "last words");
	cr_assert_eq(channel_receive(ends[0], &message), CHANNEL_CLOSED);
}

Test(channel, descriptors_in_a_dead_ones_queue_are_closed)
{
	int pair[2];
	char byte;

	cr_assert_eq(pipe2(pair, O_CLOEXEC), 0);
	cr_assert_eq(channel_send(ends[0], "w", 1, &pair[1], 1), CHANNEL_OK);
	close(pair[1]);
	close_end(1);
	cr_assert_eq(read(pair[0], &byte, 1), 0, "the pipe's writing end is gone");
	close(pair[0]);
}

Test(channel, a_message_that_is_too_long_is_cut_and_said_to_be)
{
	static unsigned char bytes[CHANNEL_MESSAGE_MAX + 1];

	cr_assert_eq(send(ends[0], bytes, sizeof(bytes), 0), (ssize_t)sizeof(bytes));
	send_text(0, "next");
	cr_assert_eq(channel_receive(ends[1], &message), CHANNEL_CUT);
	cr_assert_eq(message.length, CHANNEL_MESSAGE_MAX);
	assert_text(1, "next");
}

/* From now on only ROOM more descriptors can be opened. */
static void leave_descriptors(size_t room, struct rlimit *before)
{
	size_t unused = 0;
	int first_beyond = 0;
	struct rlimit limit;

	while (unused <= room) {
		if (fcntl(first_beyond++, F_GETFD) < 0) {
			unused++;
		}
	}
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, before), 0);
	limit = *before;
	limit.rlim_cur = (rlim_t)first_beyond - 1;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void assert_cut(size_t room)
{
	int five[5] = { ends[0], ends[0], ends[0], ends[0], ends[0] };
	int open_before = count_open();
	struct rlimit before;

	cr_assert_eq(channel_send(ends[0], "five", 4, five, 5), CHANNEL_OK);
	leave_descriptors(room, &before);
	enum channel_result result = channel_receive(ends[1], &message);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	cr_assert_eq(result, CHANNEL_CUT);
	cr_assert_eq(message.length, 4, "the bytes are there");
	cr_assert_eq(message.descriptor_count, room);
	close_received();
	cr_assert_eq(count_open(), open_before);
}

Test(channel, descriptors_that_do_not_fit_are_said_to_be_cut_and_none_leaks)
{
	assert_cut(0);
	assert_cut(2);
	send_text(0, "next");
	assert_text(1, "next");
}

static int send_empty(void *argument)
{
	(void)argument;
	channel_send(ends[0], "", 0, NULL, 0);
	return 0;
}

Test(channel, an_empty_message_is_a_bug_since_it_would_look_like_the_end)
{
	char text[512];

	cr_assert_eq(child_run_caught(send_empty, NULL, STDERR_FILENO, text, sizeof(text)),
		     -SIGABRT);
}

Test(channel, an_end_that_is_none_fails)
{
	cr_assert_eq(channel_send(-1, "x", 1, NULL, 0), CHANNEL_FAILED);
	cr_assert_eq(errno, EBADF);
	cr_assert_eq(channel_receive(-1, &message), CHANNEL_FAILED);
	cr_assert_eq(errno, EBADF);
}
