/*
 * A worker is killed at each step of the code that queues, sends and cuts off: its successor, who
 * knows what the kernel took, sends the rest. So the peer reads each message that was queued once
 * and whole, in order.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/session/output.h"
#include "shared/base/memory.h"
#include "tests/support/child.h"

#define ARENA_LENGTH (4UL * 1024 * 1024) /* bytes */
#define MESSAGES     15                  /* before several stretches of them are cut off */
#define MESSAGE_SIZE 1200                /* bytes: the socket does not take them all */
#define LAST_WORDS   MESSAGES            /* the one that is queued afterwards */
#define STREAM_SIZE  (64 * 1024)         /* bytes: more than all messages */

/* In memory that the child shares with the test. */
static struct {
	struct output output;
	_Atomic size_t begun; /* messages; with the last words, one more */
	_Atomic size_t done;
	_Atomic bool cuts; /* what was queued is being cut off */
	_Atomic bool has_cut;
} * there;

static struct memory memory, arena_memory;
static struct arena *arena;
static int ends[2] = { -1, -1 };

/* Messages are lines; every third is short. */
static size_t write_message(size_t number, char *text)
{
	const size_t length = number % 3 == 2 ? 12 : MESSAGE_SIZE;

	memset(text, 'a' + (int)number, length);
	text[length - 1] = '\n';
	return length;
}

static size_t line_length(const char *bytes, size_t length)
{
	const char *end = memchr(bytes, '\n', length);

	return end ? (size_t)(end - bytes) + 1 : 0;
}

static void renew_arena(void)
{
	if (arena) {
		arena_destroy(arena);
	}
	arena = arena_create(arena_memory.start, ARENA_LENGTH);
}

static void prepare(void)
{
	const int small = 4096;

	close(ends[0]);
	close(ends[1]);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
	setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	renew_arena();
	memset(there, 0, sizeof(*there));
	output_init(&there->output, arena);
}

static void queue(size_t number, struct block **shared, struct block **stretch)
{
	char text[MESSAGE_SIZE];
	const size_t length = write_message(number, text);
	struct output *output = &there->output;

	there->begun = number + 1;
	output_mark(output, number + 1);
	if (number % 2 == 0) {
		output_copy(output, shared, text, length);
	} else {
		struct block *block = block_make_room(stretch, (uint32_t)length);

		memcpy(block->bytes + block->used, text, length);
		output_add(output, block, block->used, (uint32_t)length);
		block->used += (uint32_t)length;
	}
	there->done = number + 1;
}

/* One that does not read: some of it is sent, the rest waits, and is cut off. */
static int send_and_cut(void *unused)
{
	struct block *shared = NULL;
	struct block *stretch = block_create(arena, MESSAGES * MESSAGE_SIZE);

	(void)unused;
	for (size_t i = 0; i < MESSAGES; i++) {
		queue(i, &shared, &stretch);
		if (i % 5 == 4) {
			(void)output_flush(&there->output, ends[0], line_length);
		}
	}
	(void)output_flush(&there->output, ends[0], line_length);
	there->cuts = true;
	(void)output_cut(&there->output, line_length);
	there->has_cut = true;
	queue(LAST_WORDS, &shared, &stretch);
	(void)output_flush(&there->output, ends[0], line_length);
	return 0;
}

static void init(void)
{
	memory_init(&memory, "output", sizeof(*there));
	memory_init(&arena_memory, "arena", ARENA_LENGTH);
	there = memory_take(&memory, sizeof(*there), CACHE_LINE);
	prepare();
}

TestSuite(output_kills, .init = init, .timeout = 120);

/* All that the peer can read now. */
static size_t read_all(char *stream, size_t length)
{
	ssize_t count;

	while ((count = recv(ends[1], stream + length, STREAM_SIZE - length, 0)) > 0) {
		length += (size_t)count;
	}
	return length;
}

/* The successor sends what is left; returns the whole stream's length. */
static size_t succeed(char *stream, size_t sent)
{
	size_t length = sent;

	renew_arena();
	output_uncount(&there->output);
	output_keep(&there->output, arena);
	output_adopt(&there->output, sent);
	while (output_flush(&there->output, ends[0], line_length) == OUTPUT_BLOCKED) {
		length = read_all(stream, length);
	}
	return read_all(stream, length);
}

/* The first COUNT messages, and the last words; returns their length. */
static size_t write_stream(size_t count, bool last_words, char *stream)
{
	size_t length = 0;

	for (size_t i = 0; i < count; i++) {
		length += write_message(i, stream + length);
	}
	return last_words ? length + write_message(LAST_WORDS, stream + length) : length;
}

static bool is(const char *stream, size_t length, size_t count, bool last_words)
{
	char wanted[STREAM_SIZE];

	return write_stream(count, last_words, wanted) == length &&
	       memcmp(stream, wanted, length) == 0;
}

/* How many messages stay when the rest is cut off: up to the one that is being sent. */
static size_t uncut(size_t sent)
{
	size_t length = 0;
	size_t count = 0;
	char message[MESSAGE_SIZE];

	while (count < MESSAGES && length <= sent) {
		length += write_message(count++, message);
	}
	return count;
}

/* What is being cut off goes from the end on. */
static bool is_partly_cut(const char *stream, size_t length, size_t sent)
{
	size_t count = uncut(sent);

	while (count < MESSAGES && !is(stream, length, count, false)) {
		count++;
	}
	return is(stream, length, count, false);
}

static void see_each_once(const struct child *dead)
{
	char stream[STREAM_SIZE];
	const size_t sent = read_all(stream, 0);
	const size_t length = succeed(stream, sent);
	const size_t begun = there->begun, done = there->done;
	const bool has_last =
		is(stream, length, uncut(sent), true) && begun > MESSAGES && there->has_cut;

	(void)dead;
	if (!there->cuts) {
		cr_assert(is(stream, length, done, false) || is(stream, length, begun, false),
			  "of %zu to %zu messages come %zu bytes", done, begun, length);
		cr_assert_eq(output_has(&there->output, begun),
			     begun > 0 && is(stream, length, begun, false));
	} else if (!there->has_cut) {
		cr_assert(is_partly_cut(stream, length, sent),
			  "while the rest was cut off: %zu bytes, %zu sent", length, sent);
	} else {
		cr_assert(has_last || (done <= MESSAGES && is(stream, length, uncut(sent), false)),
			  "after the rest was cut off: %zu bytes, %zu sent", length, sent);
		cr_assert_eq(output_has(&there->output, LAST_WORDS + 1), has_last);
	}
}

Test(output_kills, killed_at_any_step_what_was_queued_is_sent_once_and_whole)
{
#ifdef __SANITIZE_ADDRESS__
	cr_skip_test("each step is a hundred there");
#endif
	child_kill_everywhere(send_and_cut, prepare, see_each_once);
}
