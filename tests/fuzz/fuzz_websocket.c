/*
 * Whatever a client sends behind its handshake, and however it is cut: what it is sent is whole
 * frames, of text without a line's end and without terminal tricks, and nothing of it stays when it
 * is gone. The first byte says how the rest is cut; the second, when it is odd, that the rest is
 * the payloads of text frames, which we make, each ended by a 0.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/http/http.h"
#include "server/process/core.h"
#include "server/session/session.h"
#include "shared/text/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OUTPUT_SIZE (1 << 20)
#define FRAMES_SIZE (64 * 1024)
#define TURNS_MOST  64 /* for a client that is gone to be forgotten */

static const char handshake[] = "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
				"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
				"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

static struct options options = { .workers = 1,
				  .max_connections = 4,
				  .history = 10,
				  .max_quantity = 5,
				  .operator_password = "o",
				  .public_urls = { "http://a" },
				  .public_url_count = 1,
				  .send_queue_bytes = OUTPUT_SIZE };
static struct shared_state shared;
static struct core core;
static char output[OUTPUT_SIZE];

static void start(void)
{
	shared_state_init(&shared, &options);
	core_init(&core, &shared, 0);
	core.turn.base = event_base_new();
}

static void answer_bookings(void)
{
	struct booking_ring *ring = &shared.queue->rings[0];

	while (booking_queue_has_work_of(shared.queue, 0)) {
		struct booking_slot *slot = &ring->slots[ring->answered % BOOKING_QUEUE_SLOTS];

		slot->answer = (struct booking_answer){ .outcome = BOOKING_NOT_FOUND };
		atomic_store(&ring->answered, ring->answered + 1);
	}
}

static void run_turn(void)
{
	turn_forget_time(&core.turn);
	(void)event_base_loop(core.turn.base, EVLOOP_NONBLOCK);
	answer_bookings();
	core_turn(&core);
}

static int open_session(void)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) {
		abort();
	}
	(void)session_open(&core.turn, &http_front,
			   &(struct session_socket){ .descriptor = ends[0] });
	(void)!write(ends[1], handshake, sizeof(handshake) - 1);
	run_turn();
	ssize_t length = read(ends[1], output, sizeof(output));

	if (length < 32 || memcmp(output, "HTTP/1.1 101 ", 13) != 0) {
		abort();
	}
	return ends[1];
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

static void end_session(int client)
{
	close(client);
	for (int i = 0; core.turn.sessions->count > 0 && i < TURNS_MOST; i++) {
		run_turn();
	}
	if (core.turn.sessions->count > 0) {
		abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t frames[FRAMES_SIZE];

	if (size < 3) {
		return 0;
	}
	if (!core.turn.base) {
		start();
	}
	size_t piece = (size_t)data[0] * 8 + 1;
	bool texts = data[1] % 2 != 0;
	const uint8_t *bytes = texts ? frames : data + 2;
	size_t length = texts ? make_frames(data + 2, size - 2, frames) : size - 2;
	int client = open_session();

	for (size_t at = 0; at < length; at += piece) {
		(void)!write(client, bytes + at, length - at < piece ? length - at : piece);
		run_turn();
		check_output(client);
	}
	end_session(client);
	return 0;
}
