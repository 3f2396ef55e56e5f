#include "db/json/text.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROOM_LEAST 4096

/* Makes room for MORE bytes and a NUL. */
static bool make_room(struct json_text *text, size_t more)
{
	size_t needed = text->length + more + 1;
	size_t room = text->room ? text->room : ROOM_LEAST;
	if (text->failed) {
		return false;
	}
	while (room < needed) {
		room *= 2;
	}
	if (room == text->room) {
		return true;
	}
	char *bytes = realloc(text->bytes, room);
	text->failed = !bytes;
	if (!bytes) {
		return false;
	}
	text->bytes = bytes;
	text->room = room;
	return true;
}

void json_text_add(struct json_text *text, const char *format, ...)
{
	va_list arguments;
	va_list again;
	va_start(arguments, format);
	va_copy(again, arguments);
	int length = vsnprintf(NULL, 0, format, arguments);
	if (length < 0) {
		text->failed = true;
	} else if (make_room(text, (size_t)length)) {
		text->length += (size_t)vsnprintf(text->bytes + text->length, (size_t)length + 1,
						  format, again);
	}
	va_end(again);
	va_end(arguments);
}

void json_text_add_string(struct json_text *text, const char *string, size_t length)
{
	bool has_nul = length > 0 && memchr(string, '\0', length);
	json_t *value = has_nul ? NULL : json_stringn(string, length);
	char *quoted = value ? json_dumps(value, JSON_ENCODE_ANY) : NULL;
	if (quoted) {
		json_text_add(text, "%s", quoted);
	} else {
		text->failed = true;
	}
	free(quoted);
	json_decref(value);
}

bool json_text_read(struct json_text *text, int file, size_t from)
{
	struct stat status;
	if (fstat(file, &status) < 0) {
		return false;
	}
	size_t size = (size_t)status.st_size > from ? (size_t)status.st_size - from : 0;
	json_text_empty(text);
	if (!make_room(text, size)) {
		errno = ENOMEM;
		return false;
	}
	while (text->length < size) {
		ssize_t count = pread(file, text->bytes + text->length, size - text->length,
				      (off_t)(from + text->length));
		if (count < 0) {
			return false;
		}
		if (count == 0) {
			break;
		}
		text->length += (size_t)count;
	}
	text->bytes[text->length] = '\0';
	return true;
}

bool json_text_write(const struct json_text *text, int file, size_t at)
{
	for (size_t done = 0; done < text->length;) {
		ssize_t count =
			pwrite(file, text->bytes + done, text->length - done, (off_t)(at + done));
		if (count < 0) {
			return false;
		}
		done += (size_t)count;
	}
	return true;
}

void json_text_empty(struct json_text *text)
{
	text->length = 0;
	text->failed = false;
}

void json_text_finish(struct json_text *text)
{
	free(text->bytes);
	*text = (struct json_text){ 0 };
}
