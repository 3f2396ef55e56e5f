/*
 * Whatever a client sends behind its handshake, and however it is cut: what it is sent is whole
 * frames, of text without a line's end and without terminal tricks, and nothing of it stays when it
 * is gone. The first byte says how the rest is cut; the second, when it is odd, that the rest is
 * the payloads of text frames, which we make, each ended by a 0.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/http/http.h"
#include "shared/text/text.h"
#include "tests/fuzz/worker.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FRAMES_SIZE (64 * 1024)
#define PIECE_UNIT  8 /* bytes */

static const char handshake[] = "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
				"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
				"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

static char output[WORKER_OUTPUT_SIZE];

static int shake_hands(void)
{
	int client = worker_open();

	(void)!write(client, handshake, sizeof(handshake) - 1);
	worker_turn();
	ssize_t length = read(client, output, sizeof(output));

	if (length < 32 || memcmp(output, "HTTP/1.1 101 ", 13) != 0) {
		abort();
	}
	return client;
}

/* One frame: unmasked, whole; text is a line, a close has a code. */
static size_t check_one(const uint8_t *frame, size_t length)
{
	size_t header = length > 1 && frame[1] == 126 ? 4 : 2;

	if (length < header || frame[1] > 126 || (frame[0] & 0xF0) != 0x80) {
		abort();
	}
	size_t payload = header == 4 ? (size_t)(frame[2] << 8 | frame[3]) : frame[1];
	const char *text = (const char *)frame + header;

	if (header + payload > length) {
		abort();
	}
	switch (frame[0] & 0x0F) {
	case 0x1:
		if (payload == 0 || !memchr("+-=*", text[0], 4) || !text_is_clean(text, payload)) {
			abort();
		}
		break;
	case 0x8:
	case 0xA: break;
	default: abort();
	}
	return header + payload;
}

static void check_output(int client)
{
	ssize_t length = read(client, output, sizeof(output));

	for (ssize_t at = 0; at < length;) {
		at += (ssize_t)check_one((const uint8_t *)output + at, (size_t)(length - at));
	}
}

/* Each payload up to a 0 in a frame of its own, masked with zeros. */
static size_t make_frames(const uint8_t *data, size_t size, uint8_t *frames)
{
	size_t length = 0;

	while (size > 0) {
		const uint8_t *end = memchr(data, 0, size);
		size_t payload = end ? (size_t)(end - data) : size;
		const uint8_t header[8] = { 0x81, 0x80 | 126, (uint8_t)(payload >> 8),
					    (uint8_t)payload };

		if (length + sizeof(header) + payload > FRAMES_SIZE) {
			break;
		}
		memcpy(frames + length, header, sizeof(header));
		memcpy(frames + length + sizeof(header), data, payload);
		length += sizeof(header) + payload;
		size_t used = payload + (end ? 1 : 0);

		data += used;
		size -= used;
	}
	return length;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t frames[FRAMES_SIZE];

	if (size < 3) {
		return 0;
	}
	worker_start(&http_front);
	bool texts = data[1] % 2 != 0;
	const uint8_t *bytes = texts ? frames : data + 2;
	size_t length = texts ? make_frames(data + 2, size - 2, frames) : size - 2;
	int client = shake_hands();

	worker_send(client, bytes, length, worker_piece(data[0], PIECE_UNIT, length), check_output);
	worker_end(client, 0);
	return 0;
}
