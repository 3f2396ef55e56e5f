#include "server/session/output.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int ends[2];
#define ARENA_LENGTH (256UL * 1024 * 1024) /* bytes */

static struct memory memory;
static struct arena *arena;
static struct output output;
static struct block *shared;

static void init(void)
{
	const int small = 4096;

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
	setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	memory_init(&memory, "arena", ARENA_LENGTH);
	arena = arena_create(memory.start, ARENA_LENGTH);
	memset(&output, 0, sizeof(output));
	output_init(&output, arena);
	shared = NULL;
}

static void finish(void)
{
	output_finish(&output);
	block_release(shared);
	close(ends[0]);
	close(ends[1]);
	arena_destroy(arena);
	memory_finish(&memory);
}

TestSuite(output, .init = init, .fini = finish);

/* Messages are lines. */
static size_t line_length(const char *bytes, size_t length)
{
	const char *end = memchr(bytes, '\n', length);

	return end ? (size_t)(end - bytes) + 1 : 0;
}

static void add(const char *text)
{
	output_copy(&output, &shared, text, strlen(text));
}

/* All that can be read from the other end, as a string. */
static size_t take(char *text, size_t size)
{
	size_t length = 0;
	ssize_t count;

	while ((count = recv(ends[1], text + length, size - 1 - length, 0)) > 0) {
		length += (size_t)count;
	}
	text[length] = '\0';
	return length;
}

Test(output, comes_out_in_the_order_in_which_it_went_in)
{
	struct block *block = block_create(arena, 16);
	char text[64];

	memcpy(block->bytes, "one two three", 13);
	block->used = 13;
	add("a ");
	output_add(&output, block, 4, 4);
	add("b ");
	output_add(&output, block, 0, 3);
	block_release(block);
	cr_expect_eq(output_bytes(&output), 11);
	cr_expect_eq(output_flush(&output, ends[0], line_length), OUTPUT_EMPTY);
	take(text, sizeof(text));
	cr_expect_str_eq(text, "a two b one");
	cr_expect_null(output.first, "an empty output holds no memory");
	cr_expect_eq(output_bytes(&output), 0);
}

Test(output, what_lies_apart_in_a_block_stays_apart)
{
	struct block *block = block_create(arena, 16);
	char text[64];

	memcpy(block->bytes, "one two three", 13);
	block->used = 13;
	output_add(&output, block, 0, 3);
	output_add(&output, block, 7, 6);
	block_release(block);
	cr_expect_eq(output_flush(&output, ends[0], line_length), OUTPUT_EMPTY);
	take(text, sizeof(text));
	cr_expect_str_eq(text, "one three");
}

Test(output, what_lies_side_by_side_in_a_block_is_one_segment)
{
	for (int i = 0; i < 100; i++) {
		add("0123456789");
	}
	cr_expect_eq(output.first, output.last);
	cr_expect_eq(shared->references, 2);
}

#define LONG 400000

static char pattern(size_t i)
{
	return (char)('a' + i * 7 % 26);
}

Test(output, a_socket_that_takes_little_gets_all_of_it_in_the_end)
{
	static char in[LONG], out[LONG + 1];
	size_t length = 0;
	enum output_result result;

	for (size_t i = 0; i < LONG; i++) {
		in[i] = pattern(i);
	}
	for (size_t at = 0; at < LONG; at += 1000) {
		output_copy(&output, &shared, in + at, 1000);
	}
	while ((result = output_flush(&output, ends[0], line_length)) == OUTPUT_BLOCKED) {
		size_t got = take(out + length, sizeof(out) - length);
		cr_assert_gt(got, 0);
		length += got;
	}
	cr_expect_eq(result, OUTPUT_EMPTY);
	length += take(out + length, sizeof(out) - length);
	cr_assert_eq(length, LONG);
	cr_expect_eq(memcmp(in, out, LONG), 0);
}

static void fill_socket(void)
{
	static const char junk[65536];

	while (send(ends[0], junk, sizeof(junk), MSG_NOSIGNAL) > 0) {
	}
}

Test(output, who_does_not_read_keeps_no_large_block_for_a_short_line)
{
	struct block *large = block_create(arena, 1 << 20);

	memcpy(large->bytes, "short\n", 6);
	large->used = 6;
	fill_socket();
	output_add(&output, large, 0, 6);
	cr_expect_eq(output_flush(&output, ends[0], line_length), OUTPUT_BLOCKED);
	cr_expect_eq(large->references, 1, "only ours");
	cr_expect_eq(output_bytes(&output), 6);
	block_release(large);
}

Test(output, cut_leaves_the_line_that_is_being_sent)
{
	char text[1 << 20];

	add("first line\nsecond\n");
	add("third\n");
	cr_expect(output_cut(&output, line_length));
	cr_expect_eq(output_flush(&output, ends[0], line_length), OUTPUT_EMPTY);
	take(text, sizeof(text));
	cr_expect_str_eq(text, "first line\n");
	cr_expect(output_cut(&output, line_length), "nothing is at a line's end");
}

/* What of the output's first line the socket takes, and all of it once the rest was read. */
static size_t send_a_part(size_t length)
{
	char *line = malloc(length);
	static char in[1 << 20];

	memset(line, 'x', length);
	line[length - 1] = '\n';
	output_copy(&output, &shared, line, length);
	free(line);
	cr_assert_eq(output_flush(&output, ends[0], line_length), OUTPUT_BLOCKED);
	return take(in, sizeof(in));
}

Test(output, cut_within_a_line_leaves_all_of_it)
{
	char rest[1 << 20];
	size_t length = 1 << 19;

	add("first\n");
	size_t got = send_a_part(length);
	add("third\n");
	cr_expect(output_cut(&output, line_length));
	cr_expect_eq(output_bytes(&output), 6 + length - got, "%zu", output_bytes(&output));
	while (output_flush(&output, ends[0], line_length) == OUTPUT_BLOCKED) {
		got += take(rest, sizeof(rest));
	}
	got += take(rest, sizeof(rest));
	cr_expect_eq(got, 6 + length);
}

Test(output, who_stopped_within_a_line_keeps_the_lines_before_it_no_longer)
{
	struct block *large = block_create(arena, 1 << 20);
	char in[1 << 20];

	memset(large->bytes, 'x', large->size);
	for (uint32_t i = 99; i < large->size; i += 100) {
		large->bytes[i] = '\n';
	}
	output_add(&output, large, 0, large->size);
	while (output_bytes(&output) > 1000) {
		cr_assert_eq(output_flush(&output, ends[0], line_length), OUTPUT_BLOCKED);
		cr_expect_leq(output.first->end - output.message, output_bytes(&output) + 100);
		(void)take(in, output_bytes(&output) < 2000 ? 100 : sizeof(in));
	}
	block_release(large);
}

Test(output, cut_drops_all_when_the_message_has_no_end)
{
	struct block *block = block_create(arena, 8);

	memcpy(block->bytes, "no end", 6);
	block->used = 6;
	output_add(&output, block, 0, 6);
	block_release(block);
	add("the rest\n");
	cr_expect(!output_cut(&output, line_length));
	cr_expect_eq(output_bytes(&output), 0);
}

Test(output, a_peer_that_is_gone_breaks_it)
{
	close(ends[1]);
	add("anybody?\n");
	cr_expect_eq(output_flush(&output, ends[0], line_length), OUTPUT_BROKEN);
}

Test(output, a_block_that_nothing_more_comes_into_gives_all_of_its_memory_back)
{
	struct block *first = block_create(arena, 4000);

	first->used = first->size = 10; /* as what is said in a room, once it is put into words */
	block_release(first);
	struct block *second = block_create(arena, 4000);

	cr_expect_eq(first, second);
	block_release(second);
}

/* What is said of it may come from a process that was taken over. */
Test(output, no_more_and_no_less_may_have_been_sent_than_is_queued)
{
	add("gone ");
	cr_assert_eq(output_flush(&output, ends[0], NULL), OUTPUT_EMPTY);
	cr_expect(output_may_have_sent(&output, 5));
	add("here");
	cr_expect_not(output_may_have_sent(&output, 4));
	cr_expect(output_may_have_sent(&output, 5));
	cr_expect(output_may_have_sent(&output, 9));
	cr_expect_not(output_may_have_sent(&output, 10));
}
