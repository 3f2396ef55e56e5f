/*
 * Whatever a client sends, and however it is cut: what it is sent is whole answers and nothing
 * else, and nothing of it stays when it is gone. The first byte says how the rest is cut.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/http/http.h"
#include "server/process/core.h"
#include "server/session/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OUTPUT_SIZE (1 << 20)
#define TURNS_MOST  64 /* for a client that is gone to be forgotten */
#define START       "HTTP/1.1 "

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

static void start(void)
{
	shared_state_init(&shared, &options);
	core_init(&core, &shared, 0);
	core.turn.base = event_base_new();
}

static int open_session(void)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) {
		abort();
	}
	(void)session_open(&core.turn, &http_front,
			   &(struct session_socket){ .descriptor = ends[0] });
	return ends[1];
}

/* In the clerk's place: there is no such event or ticket. */
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

/* One answer: its head, and as many bytes as it says, unless they are not there: to HEAD. */
static size_t check_one(const char *text, size_t length)
{
	const char *end = memmem(text, length, "\r\n\r\n", 4);

	if (length < sizeof(START) || memcmp(text, START, sizeof(START) - 1) != 0 || !end) {
		abort();
	}
	size_t head = (size_t)(end - text) + 4;
	const char *field = memmem(text, head, "Content-Length: ", 16);
	size_t body = field ? strtoul(field + 16, NULL, 10) : 0;
	bool none = head == length || (length - head >= sizeof(START) - 1 &&
				       memcmp(text + head, START, sizeof(START) - 1) == 0);

	if (!none && head + body > length) {
		abort();
	}
	return head + (none ? 0 : body);
}

static void check_output(int client)
{
	static char output[OUTPUT_SIZE + 1];
	ssize_t length = read(client, output, OUTPUT_SIZE);

	for (ssize_t at = 0; at < length;) {
		output[length] = '\0';
		at += (ssize_t)check_one(output + at, (size_t)(length - at));
	}
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
	if (size < 2) {
		return 0;
	}
	if (!core.turn.base) {
		start();
	}
	size_t piece = (size_t)data[0] * 8 + 1;
	int client = open_session();

	for (size_t at = 1; at < size; at += piece) {
		size_t length = size - at < piece ? size - at : piece;

		(void)!write(client, data + at, length);
		run_turn();
		check_output(client);
	}
	end_session(client);
	return 0;
}
