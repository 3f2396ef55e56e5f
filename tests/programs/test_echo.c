/* The echo service: every byte, any length, slow readers, half-close, bounded memory. */
#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "tests/programs/watch.h"
#include "tests/support/child.h"
#include "tests/support/server.h"

#define LENGTH ((size_t)10 << 20)
#ifdef __SANITIZE_ADDRESS__
#define MEMORY_GROWTH 65536 /* KiB; what was freed is kept a while, to find who uses it */
#else
#define MEMORY_GROWTH 2048 /* KiB */
#endif

static struct turnstiled server;
static unsigned char sent[LENGTH], received[LENGTH + 1];

static void init(void)
{
	turnstiled_init(&server, TURNSTILED);
}

static void finish(void)
{
	turnstiled_finish(&server);
}

TestSuite(programs_echo, .init = init, .fini = finish, .timeout = 120);

static unsigned char upper(unsigned char byte)
{
	return byte >= 'a' && byte <= 'z' ? (unsigned char)(byte - 'a' + 'A') : byte;
}

static void fill(void)
{
	uint32_t state = 1;

	for (size_t i = 0; i < LENGTH; i++) {
		state = state * 1664525 + 1013904223;
		sent[i] = (unsigned char)(state >> 24);
	}
}

/* Sends the next odd piece; half-closes after the last. */
static void send_piece(const struct talk *talk, size_t *done, unsigned *seed)
{
	size_t piece = (size_t)rand_r(seed) % 100000 + 1;

	if (piece > LENGTH - *done) {
		piece = LENGTH - *done;
	}
	ssize_t count = send(talk->descriptor, sent + *done, piece, MSG_DONTWAIT | MSG_NOSIGNAL);
	cr_assert(count > 0 || errno == EAGAIN);
	*done += count > 0 ? (size_t)count : 0;
	if (*done == LENGTH) {
		shutdown(talk->descriptor, SHUT_WR);
	}
}

/* Reads at most SLICE bytes; false at the end. */
static bool read_slice(const struct talk *talk, size_t *done, size_t slice)
{
	size_t room = sizeof(received) - *done;
	ssize_t count =
		recv(talk->descriptor, received + *done, slice < room ? slice : room, MSG_DONTWAIT);

	cr_assert(count >= 0 || errno == EAGAIN, "errno %d", errno);
	*done += count > 0 ? (size_t)count : 0;
	return count != 0;
}

/* Sends whenever it can, reads little at a time; returns how much came until the end. */
static size_t exchange(struct talk *talk, long *most_memory)
{
	const int64_t deadline_ns = clock_deadline(30 * NS_PER_SECOND);
	size_t out = 0, in = 0;
	unsigned seed = 3, turns = 0;

	do {
		struct pollfd socket = { .fd = talk->descriptor,
					 .events = out < LENGTH ? POLLIN | POLLOUT : POLLIN };
		cr_assert_gt(poll(&socket, 1, 10000), 0, "nothing goes on: %zu out, %zu in", out,
			     in);
		cr_assert_lt(clock_monotonic_ns(), deadline_ns);
		if (socket.revents & POLLOUT) {
			send_piece(talk, &out, &seed);
		}
		if (turns++ % 64 == 0) {
			long memory = watch_children_memory_kib(server.pid);
			*most_memory = memory > *most_memory ? memory : *most_memory;
		}
	} while (read_slice(talk, &in, 16384));
	return in;
}

static void echo_everything(const char *kind)
{
	static struct talk talk;
	long most_memory = 0;

	fill();
	turnstiled_start(&server, "--workers", "1", "--echo", kind);
	talk_open(&talk, server.echo_port);
	long before = watch_children_memory_kib(server.pid);
	cr_assert_eq(exchange(&talk, &most_memory), LENGTH);
	for (size_t i = 0; i < LENGTH && strcmp(kind, "upper") == 0; i++) {
		sent[i] = upper(sent[i]);
	}
	cr_expect_eq(memcmp(sent, received, LENGTH), 0);
	cr_expect_lt(most_memory - before, MEMORY_GROWTH);
}

Test(programs_echo, ten_megabytes_come_back_in_upper_case_to_a_slow_reader)
{
	echo_everything("upper");
}

Test(programs_echo, ten_megabytes_come_back_unchanged_in_raw_mode)
{
	echo_everything("raw");
}

/* Sends until the socket takes no more, and stays so. */
static size_t send_until_full(const struct talk *talk)
{
	size_t total = 0;
	struct pollfd socket = { .fd = talk->descriptor, .events = POLLOUT };

	while (poll(&socket, 1, 300) > 0) {
		ssize_t count = send(talk->descriptor, sent, LENGTH, MSG_DONTWAIT | MSG_NOSIGNAL);
		cr_assert(count > 0 || errno == EAGAIN);
		total += count > 0 ? (size_t)count : 0;
	}
	return total;
}

/* How many bytes come until the end. */
static size_t read_to_the_end(const struct talk *talk)
{
	struct pollfd socket = { .fd = talk->descriptor, .events = POLLIN };
	size_t total = 0, piece = 0;
	bool more = true;

	for (; more; total += piece) {
		cr_assert_gt(poll(&socket, 1, 10000), 0, "nothing comes after %zu bytes", total);
		piece = 0;
		more = read_slice(talk, &piece, LENGTH);
	}
	return total;
}

#define GREEDY 4

Test(programs_echo, peers_that_send_and_never_read_cost_the_server_one_buffer_each)
{
	static struct talk greedy[GREEDY], other;
	const int small = 65536;
	size_t total[GREEDY];

	turnstiled_start(&server, "--workers", "1");
	long before = watch_children_memory_kib(server.pid);
	for (size_t i = 0; i < GREEDY; i++) {
		talk_open(&greedy[i], server.echo_port);
		setsockopt(greedy[i].descriptor, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
		total[i] = send_until_full(&greedy[i]);
	}
	cr_expect_lt(watch_children_memory_kib(server.pid) - before, MEMORY_GROWTH);
	talk_open(&other, server.echo_port);
	talk_say(&other, "still here?");
	talk_expect(&other, "STILL HERE?");
	/* One of them reads after all. */
	talk_end_output(&greedy[0]);
	cr_expect_eq(read_to_the_end(&greedy[0]), total[0]);
}

Test(programs_echo, a_half_closed_peer_gets_all_of_its_bytes)
{
	static struct talk talk;
	char answer[5];

	turnstiled_start(&server, "--workers", "1");
	talk_open(&talk, server.echo_port);
	talk_write(&talk, "aZ\n\xE4!", 5);
	talk_end_output(&talk);
	talk_read(&talk, answer, 5);
	cr_expect_arr_eq(answer, "AZ\n\xE4!", 5);
	talk_expect_end(&talk);
}

Test(programs_echo, the_client_of_the_socket_tutorial_gets_its_text_in_upper_case)
{
	static struct talk talk;
	char answer[1024];

	turnstiled_start(&server, "--workers", "1");
	talk_open(&talk, server.echo_port);
	cr_assert_eq(send(talk.descriptor, "Hello, world", 12, 0), 12);
	cr_assert_eq(recv(talk.descriptor, answer, sizeof(answer), 0), 12);
	cr_expect_arr_eq(answer, "HELLO, WORLD", 12);
}
