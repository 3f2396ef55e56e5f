#include "tests/support/websocket.h"

#include <criterion/criterion.h>
#include <string.h>

#include "tests/support/http.h"

#define MASKED     0x80
#define FRAME_MOST 70000

void websocket_open_at(struct place place, struct talk *talk, uint16_t port)
{
	static struct http_answer answer;
	char accept[64];

	talk_open_at(place, talk, port);
	http_send_at(place, talk, "GET", "/ws",
		     "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
		     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
		     "Sec-WebSocket-Protocol: other, turnstile.1\r\n",
		     NULL);
	cr_assert_eq(http_receive_at(place, talk, &answer, false), 101, "%s:%d: %u", place.file,
		     place.line, answer.status);
	http_field(&answer, "Sec-WebSocket-Accept", accept, sizeof(accept));
	cr_expect_str_eq(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
	http_field(&answer, "Sec-WebSocket-Protocol", accept, sizeof(accept));
	cr_expect_str_eq(accept, "turnstile.1");
	websocket_expect_at(place, talk, WEBSOCKET_TEXT, "+turnstile 1 welcome, guest-");
}

void websocket_send_at(struct place place, struct talk *talk, unsigned char first,
		       const void *bytes, size_t length)
{
	static const unsigned char mask[4] = { 0x37, 0xFA, 0x21, 0x3D };
	static unsigned char frame[FRAME_MOST];
	size_t header = 2;

	cr_assert_leq(length, UINT16_MAX);
	frame[0] = first;
	frame[1] = (unsigned char)(MASKED | (length <= 125 ? length : 126));
	if (length > 125) {
		frame[header++] = (unsigned char)(length >> 8);
		frame[header++] = (unsigned char)length;
	}
	memcpy(frame + header, mask, sizeof(mask));
	header += sizeof(mask);
	for (size_t i = 0; i < length; i++) {
		frame[header + i] = ((const unsigned char *)bytes)[i] ^ mask[i % 4];
	}
	talk_write_at(place, talk, frame, header + length);
}

/* A frame's payload, a NUL behind it; returns its length. */
static size_t receive(struct place place, struct talk *talk, unsigned *opcode,
		      char text[WEBSOCKET_TEXT_SIZE])
{
	unsigned char header[4];

	talk_read_at(place, talk, header, 2);
	size_t length = header[1];

	cr_assert_eq(header[0] & 0xF0, 0x80, "%s:%d: a frame begins with %02x", place.file,
		     place.line, header[0]);
	cr_assert_lt(length, 127);
	if (length == 126) {
		talk_read_at(place, talk, header + 2, 2);
		length = (size_t)(header[2] << 8 | header[3]);
	}
	cr_assert_lt(length, WEBSOCKET_TEXT_SIZE);
	if (length > 0) {
		talk_read_at(place, talk, text, length);
	}
	text[length] = '\0';
	*opcode = header[0] & 0x0F;
	return length;
}

const char *websocket_expect_at(struct place place, struct talk *talk, unsigned opcode,
				const char *text)
{
	static char received[WEBSOCKET_TEXT_SIZE];
	unsigned found;

	(void)receive(place, talk, &found, received);
	cr_assert_eq(found, opcode, "%s:%d: a frame of kind %u: '%s'", place.file, place.line,
		     found, received);
	cr_assert_eq(strncmp(received, text, strlen(text)), 0, "%s:%d: '%s' is not '%s…'",
		     place.file, place.line, received, text);
	cr_expect(opcode != WEBSOCKET_TEXT || !strchr(received, '\n'));
	return received;
}

void websocket_expect_close_at(struct place place, struct talk *talk, unsigned code)
{
	char received[WEBSOCKET_TEXT_SIZE];
	unsigned opcode;
	size_t length = receive(place, talk, &opcode, received);

	cr_assert_eq(opcode, WEBSOCKET_CLOSE, "%s:%d: a frame of kind %u: '%s'", place.file,
		     place.line, opcode, received);
	cr_assert_eq(length, 2);
	unsigned found = (unsigned)((unsigned char)received[0] << 8 | (unsigned char)received[1]);

	cr_assert_eq(found, code, "%s:%d: closed with %u", place.file, place.line, found);
	talk_expect_end_at(place, talk);
}
