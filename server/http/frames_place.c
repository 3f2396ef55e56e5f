#include "server/http/frames_place.h"

#include <string.h>

#define LAST_BIT     0x80 /* of a header's first byte: no more of the message follows */
#define CONTROL_BIT  0x08
#define TEXT         0x01
#define MASKED_BIT   0x80 /* of its second */
#define LENGTH_BITS  0x7F
#define LENGTH_IS_16 126
#define LENGTH_IS_64 127
#define MASK_SIZE    4
#define BYTE_BITS    8
#define SHORT_MOST   125
#define LONG_MOST    UINT16_MAX

static bool is_control(const struct frames_place *place)
{
	return place->header[0] & CONTROL_BIT;
}

/* Bytes of the length behind a header's first two. */
static size_t length_size(uint8_t second)
{
	switch (second & LENGTH_BITS) {
	case LENGTH_IS_16: return sizeof(uint16_t);
	case LENGTH_IS_64: return sizeof(uint64_t);
	default: return 0;
	}
}

static uint64_t payload_length(const struct frames_place *place)
{
	const size_t size = length_size(place->header[1]);
	uint64_t length = size == 0 ? place->header[1] & LENGTH_BITS : 0;

	for (size_t i = 0; i < size; i++) {
		length = length << BYTE_BITS | place->header[2 + i];
	}
	return length;
}

/* Of the payload's byte at that place. */
static uint8_t mask_at(const struct frames_place *place, uint64_t at)
{
	return place->header[place->header_length - MASK_SIZE + at % MASK_SIZE];
}

static void end_frame(struct frames_place *place)
{
	if (!is_control(place)) {
		place->in_message = !(place->header[0] & LAST_BIT);
	}
	place->header_length = 0;
	place->header_whole = false;
}

static void take_header_byte(struct frames_place *place, uint8_t byte)
{
	place->header[place->header_length++] = byte;
	if (place->header_length < 2 ||
	    place->header_length < 2 + length_size(place->header[1]) + MASK_SIZE) {
		return;
	}
	place->header_whole = true;
	place->left = payload_length(place);
	place->seen = 0;
	if (place->left == 0) {
		end_frame(place);
	}
}

/* Of UTF-8: bytes of the character that begins so. */
static size_t character_size(uint8_t first)
{
	return first < 0xC0 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
}

static void follow_character(struct frames_place *place, uint8_t byte)
{
	if ((byte & 0xC0) != 0x80) {
		place->tail_length = 0;
	}
	place->tail[place->tail_length++] = byte;
	if (place->tail_length == character_size(place->tail[0])) {
		place->tail_length = 0;
	}
}

/* Only the last bytes can belong to a character that is not whole. */
static void follow_text(struct frames_place *place, const char *bytes, size_t length)
{
	size_t from = length > FRAMES_PLACE_TAIL_MOST ? length - FRAMES_PLACE_TAIL_MOST : 0;

	if (from > 0) {
		place->tail_length = 0;
	}
	for (size_t i = from; i < length; i++) {
		uint8_t byte = (uint8_t)bytes[i] ^ mask_at(place, place->seen + i);

		if (place->tail_length > 0 || (byte & 0xC0) != 0x80) {
			follow_character(place, byte);
		}
	}
}

/* Returns how many bytes were the frame's. */
static size_t take_payload(struct frames_place *place, const char *bytes, size_t length)
{
	size_t taken = place->left < length ? (size_t)place->left : length;

	if (is_control(place) && place->seen + taken <= sizeof(place->control)) {
		memcpy(place->control + place->seen, bytes, taken);
	} else if (!is_control(place)) {
		follow_text(place, bytes, taken);
	}
	place->seen += taken;
	place->left -= taken;
	if (place->left == 0) {
		end_frame(place);
	}
	return taken;
}

void frames_place_follow(struct frames_place *place, const char *bytes, size_t length)
{
	for (size_t used; length > 0; bytes += used, length -= used) {
		used = 1;
		if (place->header_whole) {
			used = take_payload(place, bytes, length);
		} else {
			take_header_byte(place, (uint8_t)*bytes);
		}
	}
}

bool frames_place_is_amid(const struct frames_place *place)
{
	return place->header_length > 0 || place->in_message;
}

static size_t write_length(uint64_t length, uint8_t *header)
{
	size_t size = length <= SHORT_MOST ? 0 : length <= LONG_MOST ? 2 : 8;

	header[1] = MASKED_BIT | (size == 0   ? (uint8_t)length
				  : size == 2 ? LENGTH_IS_16
					      : LENGTH_IS_64);
	for (size_t i = 0; i < size; i++) {
		header[2 + i] = (uint8_t)(length >> BYTE_BITS * (size - 1 - i));
	}
	return 2 + size;
}

/* What came of the message before this frame: all that matters is the end of its text. */
static size_t write_message(const struct frames_place *place, uint8_t *bytes)
{
	static const uint8_t no_mask[MASK_SIZE];

	bytes[0] = TEXT;
	bytes[1] = MASKED_BIT | place->tail_length;
	memcpy(bytes + 2, no_mask, MASK_SIZE);
	memcpy(bytes + 2 + MASK_SIZE, place->tail, place->tail_length);
	return 2 + MASK_SIZE + place->tail_length;
}

/* A frame of what is left, with as much of the text's end before that as is not written yet. */
static size_t write_frame(const struct frames_place *place, size_t tail, uint8_t *bytes)
{
	size_t length = write_length(place->left + tail, bytes);
	uint8_t *mask = bytes + length;

	bytes[0] = place->header[0];
	for (size_t i = 0; i < MASK_SIZE; i++) {
		mask[i] = mask_at(place, place->seen + MASK_SIZE + i - tail);
	}
	for (size_t i = 0; i < tail; i++) {
		mask[MASK_SIZE + i] = place->tail[i] ^ mask[i];
	}
	return length + MASK_SIZE + tail;
}

size_t frames_place_bytes(const struct frames_place *place, char bytes[FRAMES_PLACE_BYTES_MOST])
{
	uint8_t *to = (uint8_t *)bytes;
	size_t length = place->in_message ? write_message(place, to) : 0;

	if (place->header_whole && !is_control(place)) {
		return length +
		       write_frame(place, place->in_message ? 0 : place->tail_length, to + length);
	}
	memcpy(to + length, place->header, place->header_length);
	length += place->header_length;
	if (place->header_whole) {
		memcpy(to + length, place->control, place->seen);
		length += (size_t)place->seen;
	}
	return length;
}
