#include "server/session/output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "shared/base/log.h"

#define SHARED_BLOCK_SIZE (16 * 1024) /* bytes */
#define FLUSH_SEGMENTS    64          /* in one system call */
#define SEGMENTS_AT_FIRST 4
#define PIN_FACTOR        4 /* a queued stretch may pin a block so many times its size */

struct block *block_create(uint32_t size)
{
	struct block *block = malloc(sizeof(*block) + size);

	if (!block) {
		die("out of memory");
	}
	block->references = 1;
	block->size = size;
	block->used = 0;
	return block;
}

void block_release(struct block *block)
{
	if (block && --block->references == 0) {
		free(block);
	}
}

struct block *block_make_room(struct block **block, uint32_t size)
{
	struct block *old = *block;

	if (old->size - old->used < size) {
		uint32_t wanted =
			old->size * 2 > old->used + size ? old->size * 2 : old->used + size;

		*block = realloc(old, sizeof(*old) + wanted);
		if (!*block) {
			die("out of memory");
		}
		(*block)->size = wanted;
	}
	return *block;
}

/* From the one inside to an array, or to a larger array. */
static void grow(struct output *output)
{
	bool leaves = output->segments == &output->only;
	uint32_t room = output->room < SEGMENTS_AT_FIRST ? SEGMENTS_AT_FIRST : output->room * 2;
	struct segment *segments =
		realloc(leaves ? NULL : output->segments, room * sizeof(*segments));

	if (!segments) {
		die("out of memory");
	}
	if (leaves) {
		segments[0] = output->only;
	}
	output->segments = segments;
	output->room = room;
}

static void make_room(struct output *output)
{
	if (!output->segments) {
		output->segments = &output->only;
		output->room = 1;
		return;
	}
	if (output->first > 0 && output->first * 2 >= output->end) {
		memmove(output->segments, output->segments + output->first,
			(output->end - output->first) * sizeof(*output->segments));
		output->end -= output->first;
		output->first = 0;
		return;
	}
	grow(output);
}

void output_add(struct output *output, struct block *block, uint32_t start, uint32_t length)
{
	struct segment *last =
		output->end > output->first ? &output->segments[output->end - 1] : NULL;

	if (length == 0) {
		return;
	}
	output->bytes += length;
	if (last && last->block == block && last->start + last->length == start) {
		last->length += length;
		return;
	}
	if (!output->segments || output->end == output->room) {
		make_room(output);
	}
	block->references++;
	output->segments[output->end++] =
		(struct segment){ .block = block, .start = start, .length = length };
}

/* No text lies in two blocks: each stretch begins with a message. */
void output_copy(struct output *output, struct block **shared, const char *text, size_t length)
{
	if (!*shared || (*shared)->size - (*shared)->used < length) {
		block_release(*shared);
		*shared = block_create(length > SHARED_BLOCK_SIZE ? (uint32_t)length
								  : SHARED_BLOCK_SIZE);
	}
	struct block *block = *shared;

	memcpy(block->bytes + block->used, text, length);
	output_add(output, block, block->used, (uint32_t)length);
	block->used += (uint32_t)length;
}

static void drop_first(struct output *output)
{
	block_release(output->segments[output->first].block);
	output->first++;
	output->sent = 0;
}

void output_finish(struct output *output)
{
	while (output->first < output->end) {
		drop_first(output);
	}
	if (output->segments != &output->only) {
		free(output->segments);
	}
	memset(output, 0, sizeof(*output));
}

static void forget_sent(struct output *output, size_t sent)
{
	output->bytes -= sent;
	while (sent > 0) {
		uint32_t left = output->segments[output->first].length - output->sent;

		if (sent < left) {
			output->sent += (uint32_t)sent;
			return;
		}
		sent -= left;
		drop_first(output);
	}
}

static ssize_t send_some(const struct output *output, int socket)
{
	struct iovec parts[FLUSH_SEGMENTS];
	uint32_t sent = output->sent;
	size_t count = 0;

	for (uint32_t i = output->first; i < output->end && count < FLUSH_SEGMENTS; i++, count++) {
		const struct segment *segment = &output->segments[i];

		parts[count].iov_base = segment->block->bytes + segment->start + sent;
		parts[count].iov_len = segment->length - sent;
		sent = 0;
	}
	if (count == 1) {
		return send(socket, parts[0].iov_base, parts[0].iov_len, MSG_NOSIGNAL);
	}
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = count };
	return sendmsg(socket, &message, MSG_NOSIGNAL);
}

/* Takes LENGTH bytes that are sent off the first stretch. */
static void forget_start(struct output *output, uint32_t length)
{
	struct segment *first = &output->segments[output->first];

	first->start += length;
	first->length -= length;
	output->sent -= length;
}

/*
 * How long the message is that is being sent just now, with which the first stretch begins after
 * this call; 0 where that cannot be told.
 */
static size_t current_message(struct output *output, output_measure *measure)
{
	const struct segment *first = &output->segments[output->first];

	for (;;) {
		size_t length = measure(first->block->bytes + first->start, first->length);

		if (length > first->length) {
			return 0;
		}
		if (length == 0 || length > output->sent) {
			return length;
		}
		forget_start(output, (uint32_t)length);
	}
}

/* Copies those queued stretches that are the smaller part of what their blocks hold. */
static void unpin(struct output *output, output_measure *measure)
{
	if (!measure) {
		forget_start(output, output->sent);
	} else if (output->sent > 0) {
		(void)current_message(output, measure);
	}
	for (uint32_t i = output->first; i < output->end; i++) {
		struct segment *segment = &output->segments[i];

		if (segment->block->size / PIN_FACTOR < segment->length) {
			continue;
		}
		struct block *own = block_create(segment->length);

		memcpy(own->bytes, segment->block->bytes + segment->start, segment->length);
		own->used = segment->length;
		block_release(segment->block);
		segment->block = own;
		segment->start = 0;
	}
}

enum output_result output_flush(struct output *output, int socket, output_measure *measure)
{
	while (output->bytes > 0) {
		ssize_t sent = send_some(output, socket);

		if (sent >= 0) {
			forget_sent(output, (size_t)sent);
		} else if (errno == EAGAIN || errno == EWOULDBLOCK) {
			unpin(output, measure);
			return OUTPUT_BLOCKED;
		} else if (errno != EINTR) {
			return OUTPUT_BROKEN;
		}
	}
	output_finish(output);
	return OUTPUT_EMPTY;
}

bool output_cut(struct output *output, output_measure *measure)
{
	if (output->bytes == 0) {
		return true;
	}
	size_t length = measure ? current_message(output, measure) : 0;

	if (length == 0) {
		output_finish(output);
		return false;
	}
	while (output->end > output->first + 1) {
		block_release(output->segments[--output->end].block);
	}
	output->segments[output->first].length = (uint32_t)length;
	output->bytes = length - output->sent;
	return true;
}
