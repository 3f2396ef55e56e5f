/*
 * A record: its tag and its length, 4 bytes each, the lowest first; then its fields. A number is
 * written seven bits a byte, the lowest first, all but the last with the highest bit set; bytes
 * have their number before them.
 */
#include "shared/base/record.h"

#include <stdlib.h>
#include <string.h>

#include "shared/base/log.h"

#define HEAD_SIZE   8 /* bytes */
#define WORD_SIZE   4
#define ROOM_FIRST  4096 /* bytes */
#define BITS        7    /* of a number, in a byte */
#define MORE        0x80
#define NUMBER_SIZE 10 /* bytes at most */

void records_write(struct records *records)
{
	*records = (struct records){ .reads = false };
}

void records_read(struct records *records, const void *bytes, size_t length)
{
	*records = (struct records){ .reads = true, .source = bytes, .length = length };
}

void records_finish(struct records *records)
{
	free(records->bytes);
	*records = (struct records){ .reads = records->reads };
}

/* Writing */

static unsigned char *make_room(struct records *records, size_t length)
{
	size_t room = records->room ? records->room : ROOM_FIRST;

	while (room - records->length < length) {
		room *= 2;
	}
	if (room != records->room) {
		records->bytes = realloc(records->bytes, room);
		records->room = room;
	}
	if (!records->bytes) {
		die("out of memory");
	}
	return records->bytes + records->length;
}

static void append(struct records *records, const void *bytes, size_t length)
{
	if (length > 0) {
		memcpy(make_room(records, length), bytes, length);
		records->length += length;
	}
}

static void put_word(unsigned char *bytes, uint32_t word)
{
	for (int i = 0; i < WORD_SIZE; i++) {
		bytes[i] = (unsigned char)(word >> 8 * i);
	}
}

void record_begin(struct records *records, uint32_t tag)
{
	put_word(make_room(records, HEAD_SIZE), tag);
	records->length += HEAD_SIZE;
	records->begin = records->length;
}

void record_end(struct records *records)
{
	put_word(records->bytes + records->begin - WORD_SIZE,
		 (uint32_t)(records->length - records->begin));
}

static void write_number(struct records *records, uint64_t value)
{
	unsigned char *bytes = make_room(records, NUMBER_SIZE);
	size_t count = 0;

	for (; value >= MORE; value >>= BITS) {
		bytes[count++] = (unsigned char)(value | MORE);
	}
	bytes[count++] = (unsigned char)value;
	records->length += count;
}

/* Reading */

static uint32_t get_word(const unsigned char *bytes)
{
	uint32_t word = 0;

	for (int i = 0; i < WORD_SIZE; i++) {
		word |= (uint32_t)bytes[i] << 8 * i;
	}
	return word;
}

uint32_t record_next(struct records *records)
{
	const unsigned char *head = records->source + records->end;
	size_t left = records->length - records->end;

	if (records->broken || left < HEAD_SIZE || get_word(head + WORD_SIZE) > left - HEAD_SIZE) {
		records->broken |= left > 0;
		return 0;
	}
	records->at = records->begin = records->end + HEAD_SIZE;
	records->end = records->begin + get_word(head + WORD_SIZE);
	return get_word(head);
}

bool record_has_more(const struct records *records)
{
	return records->at < records->end;
}

static uint64_t read_number(struct records *records)
{
	uint64_t value = 0;

	for (unsigned shift = 0; record_has_more(records); shift += BITS) {
		unsigned char byte = records->source[records->at++];

		if (shift > 63 || (shift == 63 && byte > 1)) {
			break; /* more than 64 bits */
		}
		value |= (uint64_t)(byte & (MORE - 1)) << shift;
		if (!(byte & MORE)) {
			return value;
		}
	}
	records->broken = true;
	return 0;
}

/* Both */

uint64_t record_number(struct records *records, uint64_t value)
{
	if (!records->reads) {
		write_number(records, value);
		return value;
	}
	return record_has_more(records) ? read_number(records) : 0;
}

struct span record_span(struct records *records, struct span span)
{
	size_t length = record_number(records, span.length);

	if (!records->reads) {
		append(records, span.text, span.length);
		return span;
	}
	if (length > records->end - records->at) {
		records->broken = true;
		length = 0;
	}
	span = (struct span){ (const char *)records->source + records->at, length };
	records->at += length;
	return span;
}

static void take(struct records *records, void *bytes, size_t size, struct span span)
{
	if (span.length > size) {
		records->broken = true;
		span.length = size;
	}
	memset(bytes, 0, size);
	memcpy(bytes, span.text, span.length);
}

void record_bytes(struct records *records, void *bytes, size_t size)
{
	struct span span = record_span(records, (struct span){ bytes, size });

	if (records->reads) {
		take(records, bytes, size, span);
	}
}

void record_text(struct records *records, char *text, size_t size)
{
	struct span span = { text, records->reads ? 0 : strnlen(text, size - 1) };

	span = record_span(records, span);
	if (records->reads) {
		take(records, text, size, span);
		records->broken |= span.length >= size || strlen(text) != span.length;
		text[size - 1] = '\0';
	}
}
