#include "server/session/reply.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/log.h"
#include "shared/text/text.h"

#define ROOM_AT_FIRST 8192 /* bytes */
#define ROOM_KEPT     (64 * 1024)

void reply_init(struct reply *reply)
{
	memset(reply, 0, sizeof(*reply));
}

void reply_finish(struct reply *reply)
{
	free(reply->text);
	reply_init(reply);
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

static void make_room(struct reply *reply, size_t length)
{
	while (reply->room - reply->length < length) {
		reply->room = reply->room ? reply->room * 2 : ROOM_AT_FIRST;
		reply->text = realloc(reply->text, reply->room);
		if (!reply->text) {
			die("out of memory");
		}
	}
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
