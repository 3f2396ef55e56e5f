#include "server/session/reply.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "shared/text/text.h"

#define ROOM_AT_FIRST 8192 /* bytes */
#define ROOM_KEPT     (64 * 1024)

void reply_init(struct reply *reply, struct arena *arena, struct block **published)
{
	memset(reply, 0, sizeof(*reply));
	reply->arena = arena;
	reply->published = published;
}

static void publish(const struct reply *reply)
{
	if (reply->published) {
		*reply->published = reply->block;
		atomic_signal_fence(memory_order_seq_cst);
	}
}

void reply_finish(struct reply *reply)
{
	struct block *block = reply->block;

	reply->block = NULL;
	reply->text = NULL;
	reply->length = reply->complete = reply->room = 0;
	publish(reply);
	block_release(block);
}

void reply_clear(struct reply *reply)
{
	if (reply->room > ROOM_KEPT) {
		reply_finish(reply);
	}
	reply->length = reply->complete = 0;
}

void reply_complete(struct reply *reply)
{
	reply->complete = reply->length;
}

void reply_drop_complete(struct reply *reply)
{
	reply->length -= reply->complete;
	if (reply->length > 0) {
		memmove(reply->text, reply->text + reply->complete, reply->length);
	}
	reply->complete = 0;
}

void reply_drop_incomplete(struct reply *reply)
{
	reply->length = reply->complete;
}

/* Its block may be found by a successor until the larger one is complete. */
static void make_room(struct reply *reply, size_t length)
{
	struct block *old = reply->block;

	if (reply->room - reply->length >= length) {
		return;
	}
	reply->room = reply->room ? reply->room : ROOM_AT_FIRST;
	while (reply->room - reply->length < length) {
		reply->room *= 2;
	}
	reply->block = block_create(reply->arena, (uint32_t)reply->room);
	if (old) {
		memcpy(reply->block->bytes, reply->text, reply->length);
	}
	reply->text = reply->block->bytes;
	publish(reply);
	block_release(old);
}

void reply_bytes(struct reply *reply, const char *text, size_t length)
{
	make_room(reply, length);
	memcpy(reply->text + reply->length, text, length);
	reply->length += length;
}

static void add_formatted(struct reply *reply, const char *format, va_list arguments)
{
	make_room(reply, REPLY_LINE_MAX + 1);
	char *line = reply->text + reply->length;
	/* A byte more than there may be: it shows whether the cut goes through a character. */
	int wanted = vsnprintf(line, REPLY_LINE_MAX + 1, format, arguments);
	size_t length = wanted > 0 ? (size_t)wanted : 0;

	if (length >= REPLY_LINE_MAX) {
		length = text_cut(line, REPLY_LINE_MAX, REPLY_LINE_MAX - 1);
	}
	line[length] = '\n';
	reply->length += length + 1;
}

void reply_line(struct reply *reply, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	add_formatted(reply, format, arguments);
	va_end(arguments);
}
