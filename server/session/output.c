#include "server/session/output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "shared/base/log.h"

#define SHARED_BLOCK_SIZE (16 * 1024 - sizeof(struct block)) /* bytes */
#define FLUSH_SEGMENTS    64                                 /* in one system call */
#define PIN_FACTOR        4 /* a queued stretch may pin a block so many times its size */

struct block *block_create(struct arena *arena, uint32_t size)
{
	struct block *block =
		arena ? arena_take(arena, sizeof(*block) + size) : malloc(sizeof(*block) + size);

	if (!block) {
		die("out of memory");
	}
	block->arena = arena;
	block->references = 1;
	block->taken = size;
	block->size = size;
	block->used = 0;
	return block;
}

void block_release(struct block *block)
{
	if (!block || --block->references > 0) {
		return;
	}
	if (block->arena) {
		arena_give(block->arena, block, sizeof(*block) + block->taken);
	} else {
		free(block);
	}
}

struct block *block_make_room(struct block **block, uint32_t size)
{
	struct block *old = *block;

	if (old->size - old->used < size) {
		uint32_t wanted =
			old->size * 2 > old->used + size ? old->size * 2 : old->used + size;

		*block = block_create(old->arena, wanted);
		memcpy((*block)->bytes, old->bytes, old->used);
		(*block)->used = old->used;
		block_release(old);
	}
	return *block;
}

void output_init(struct output *output, struct arena *arena)
{
	output->arena = arena;
}

bool output_has(const struct output *output, uint64_t tag)
{
	return output->mark.tag == tag && output->queued > output->mark.before;
}

static struct segment *take_segment(struct output *output)
{
	if (output->only_used) {
		return arena_take(output->arena, sizeof(struct segment));
	}
	output->only_used = true;
	return &output->only;
}

static void give_segment(struct output *output, struct segment *segment)
{
	if (segment == &output->only) {
		output->only_used = false;
	} else {
		arena_give(output->arena, segment, sizeof(*segment));
	}
}

/* A stretch of BLOCK, whose reference it takes, that is not linked in yet. */
static struct segment *new_segment(struct output *output, struct block *block, uint32_t start,
				   uint64_t begin, uint32_t length)
{
	struct segment *segment = take_segment(output);

	segment->block = block;
	segment->start = start;
	segment->begin = begin;
	atomic_init(&segment->end, begin + length);
	atomic_init(&segment->next, NULL);
	return segment;
}

/* The store after which a segment counts. */
static void link_in(struct segment *_Atomic *where, struct segment *segment)
{
	atomic_store_explicit(where, segment, memory_order_release);
}

static char *bytes_at(const struct segment *segment, uint64_t place)
{
	return segment->block->bytes + segment->start + (place - segment->begin);
}

void output_add(struct output *output, struct block *block, uint32_t start, uint32_t length)
{
	struct segment *last = output->last;
	uint64_t end = output->queued + length;

	if (length == 0) {
		return;
	}
	if (last && last->block == block &&
	    block->bytes + start == bytes_at(last, output->queued)) {
		atomic_store_explicit(&last->end, end, memory_order_release);
		output->queued = end;
		return;
	}
	block->references++;
	struct segment *segment = new_segment(output, block, start, output->queued, length);

	link_in(last ? &last->next : &output->first, segment);
	output->last = segment;
	output->queued = end;
}

/* No text lies in two blocks: each stretch begins with a message. */
void output_copy(struct output *output, struct block **shared, const char *text, size_t length)
{
	if (length == 0) {
		return; /* also when there is no text at all */
	}
	if (!*shared || (*shared)->size - (*shared)->used < length) {
		block_release(*shared);
		*shared = block_create(output->arena, length > SHARED_BLOCK_SIZE
							      ? (uint32_t)length
							      : (uint32_t)SHARED_BLOCK_SIZE);
	}
	struct block *block = *shared;

	memcpy(block->bytes + block->used, text, length);
	output_add(output, block, block->used, (uint32_t)length);
	block->used += (uint32_t)length;
}

void output_skip(struct output *output, size_t length)
{
	output->queued += length;
	output->sent += length;
}

static void drop_first(struct output *output)
{
	struct segment *first = output->first;
	struct segment *next = first->next;

	link_in(&output->first, next);
	if (!next) {
		output->last = NULL;
	}
	block_release(first->block);
	give_segment(output, first);
}

void output_finish(struct output *output)
{
	while (output->first) {
		drop_first(output);
	}
	output->sent = output->queued;
}

static void forget_sent(struct output *output, size_t sent)
{
	output->sent += sent;
	while (output->first && output->first->end <= output->sent) {
		drop_first(output);
	}
}

static ssize_t send_some(const struct output *output, int socket)
{
	struct iovec parts[FLUSH_SEGMENTS];
	uint64_t place = output->sent;
	size_t count = 0;

	for (const struct segment *segment = output->first; segment && count < FLUSH_SEGMENTS;
	     segment = segment->next, count++) {
		parts[count].iov_base = bytes_at(segment, place);
		parts[count].iov_len = segment->end - place;
		place = segment->end;
	}
	if (count == 1) {
		return send(socket, parts[0].iov_base, parts[0].iov_len, MSG_NOSIGNAL);
	}
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = count };
	return sendmsg(socket, &message, MSG_NOSIGNAL);
}

/*
 * How long the message is that is being sent just now, which begins at output->message after this
 * call; 0 where that cannot be told.
 */
static size_t current_message(struct output *output, output_measure *measure)
{
	const struct segment *first = output->first;

	if (output->message < first->begin) {
		output->message = first->begin;
	}
	for (;;) {
		size_t left = first->end - output->message;
		size_t length = measure(bytes_at(first, output->message), left);

		if (length > left) {
			return 0;
		}
		if (length == 0 || output->message + length > output->sent) {
			return length;
		}
		output->message += length;
	}
}

/* What has to stay of a segment: of the first, from the message that is being sent on. */
static uint64_t needed_from(const struct output *output, const struct segment *segment)
{
	return output->message > segment->begin ? output->message : segment->begin;
}

/* A copy of what is needed of SEGMENT takes its place. */
static struct segment *copy_out(struct output *output, struct segment *_Atomic *where,
				struct segment *segment)
{
	uint64_t begin = needed_from(output, segment);
	uint32_t length = (uint32_t)(segment->end - begin);
	struct block *own = block_create(output->arena, length);
	struct segment *copy = new_segment(output, own, 0, begin, length);

	memcpy(own->bytes, bytes_at(segment, begin), length);
	own->used = length;
	atomic_init(&copy->next, segment->next);
	link_in(where, copy);
	if (output->last == segment) {
		output->last = copy;
	}
	block_release(segment->block);
	give_segment(output, segment);
	return copy;
}

/* Copies those queued stretches that are the smaller part of what their blocks hold. */
static void unpin(struct output *output, output_measure *measure)
{
	struct segment *_Atomic *where = &output->first;
	struct segment *segment;

	if (!measure) {
		output->message = output->sent;
	} else if (output->sent > output->first->begin) {
		(void)current_message(output, measure);
	}
	for (; (segment = *where); where = &segment->next) {
		if (segment->block->size / PIN_FACTOR >=
		    segment->end - needed_from(output, segment)) {
			segment = copy_out(output, where, segment);
		}
	}
}

enum output_result output_flush(struct output *output, int socket, output_measure *measure)
{
	while (output->first) {
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
	return OUTPUT_EMPTY;
}

bool output_cut(struct output *output, output_measure *measure)
{
	struct segment *first = output->first;

	if (!first) {
		return true;
	}
	size_t length = measure ? current_message(output, measure) : 0;

	if (length == 0) {
		output_finish(output);
		return false;
	}
	struct segment *behind = first->next;

	link_in(&first->next,
		NULL); /* all at once: a successor must not send what is behind a gap */
	output->queued = output->message + length;
	output->last = first;
	atomic_store_explicit(&first->end, output->queued, memory_order_release);
	while (behind) {
		struct segment *next = behind->next;

		block_release(behind->block);
		give_segment(output, behind);
		behind = next;
	}
	return true;
}

/* A predecessor's */

void output_uncount(struct output *output)
{
	for (struct segment *segment = output->first; segment; segment = segment->next) {
		segment->block->references = 0;
	}
}

void output_keep(struct output *output, struct arena *arena)
{
	output->arena = arena;
	output->only_used = false;
	for (struct segment *segment = output->first; segment; segment = segment->next) {
		struct block *block = segment->block;

		if (segment == &output->only) {
			output->only_used = true;
		} else {
			arena_keep(arena, segment, sizeof(*segment));
		}
		if (block->references++ == 0) {
			arena_keep(arena, block, sizeof(*block) + block->taken);
			block->arena = arena;
		}
		output->last = segment;
		output->queued = segment->end;
	}
}

bool output_may_have_sent(const struct output *output, uint64_t sent)
{
	return !output->first || (sent >= output->first->begin && sent <= output->queued);
}

void output_adopt(struct output *output, uint64_t sent)
{
	if (!output->first) {
		output->last = NULL;
		output->queued = sent;
	}
	output->sent = sent;
	output->message = 0;
	forget_sent(output, 0);
}
