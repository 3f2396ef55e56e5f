/* What is known of a plain end, of which the tls process counts at the other end. */
#include "server/session/kernel.h"

#include <criterion/criterion.h>
#include <sys/socket.h>
#include <unistd.h>

#define PLACES 4

static struct shared_state shared;
static struct turn turn = { .shared = &shared };
static struct stream stream;
static struct session session = { .turn = &turn, .stream = &stream };
static struct kernel_counts counts;
static struct relay_count *count;
static int other_end;

static void init(void)
{
	int ends[2];

	plain_ends_create(&shared.plain_ends, PLACES);
	cr_assert(plain_ends_enter(&shared.plain_ends, getpid()));
	stream.plain = plain_ends_take(&shared.plain_ends);
	count = plain_ends_count(&shared.plain_ends, stream.plain);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	session.socket = ends[0];
	other_end = ends[1];
}

static void finish(void)
{
	close(session.socket);
	close(other_end);
	plain_ends_finish(&shared.plain_ends);
}

TestSuite(kernel, .init = init, .fini = finish);

/* As the tls process does. */
static void give(size_t length)
{
	cr_assert_eq(write(other_end, "abcdefgh", length), (ssize_t)length);
	count->given += length;
}

static void take(size_t length)
{
	char bytes[8];

	cr_assert_eq(read(other_end, bytes, length), (ssize_t)length);
	count->taken += length;
}

Test(kernel, what_was_read_of_a_plain_end_is_what_came_less_what_lies_there)
{
	char bytes[8];

	give(8);
	cr_assert(kernel_counts(&session, &counts));
	cr_expect_eq(counts.read, 0);
	cr_assert_eq(read(session.socket, bytes, 3), 3);
	cr_assert(kernel_counts(&session, &counts));
	cr_expect_eq(counts.read, 3);
	give(2);
	cr_assert_eq(read(session.socket, bytes, 7), 7);
	cr_assert(kernel_counts(&session, &counts));
	cr_expect_eq(counts.read, 10);
}

Test(kernel, what_was_sent_to_it_is_known_once_all_of_it_was_taken)
{
	cr_assert(kernel_counts(&session, &counts));
	cr_expect(counts.sent_known);
	cr_expect_eq(counts.sent, 0);
	cr_assert_eq(write(session.socket, "12345", 5), 5);
	cr_assert(kernel_counts(&session, &counts));
	cr_expect_not(counts.sent_known);
	take(4);
	cr_assert(kernel_counts(&session, &counts));
	cr_expect_not(counts.sent_known);
	take(1);
	cr_assert(kernel_counts(&session, &counts));
	cr_expect(counts.sent_known);
	cr_expect_eq(counts.sent, 5);
}

Test(kernel, nothing_is_known_of_one_that_is_over_or_whose_tls_process_died_amid_a_count)
{
	count->version++;
	cr_expect_not(kernel_counts(&session, &counts));
	count->version++;
	cr_expect(kernel_counts(&session, &counts));
	plain_ends_give(&shared.plain_ends, stream.plain);
	cr_expect_not(kernel_counts(&session, &counts));
}
