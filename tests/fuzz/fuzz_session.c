/*
 * Whatever a client sends, and however it is cut: what the others and it are sent is whole lines of
 * the protocol without terminal tricks, and nothing of it stays when it is gone. The first byte
 * says how the rest is cut.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/lines/lines.h"
#include "server/process/core.h"
#include "server/session/session.h"
#include "shared/text/line.h"
#include "shared/text/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SEATS       4
#define OUTPUT_SIZE (1 << 20)
#define LINE_MOST   4096 /* bytes from the server: fewer */
#define TELNET_IAC  0xFF
#define TURNS_MOST  5000 /* for a client that is gone to be forgotten */
#define TURNS_QUICK 64   /* of them: the others wait a millisecond for who counts */

static struct options options = { .workers = 1,
				  .max_connections = SEATS,
				  .history = 10,
				  .max_quantity = 5,
				  .operator_password = "o",
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
	(void)session_open(&core.turn, &lines_front,
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

/* One line, its LF counted in, or the answer to a telnet option. */
static size_t check_one(const char *text, size_t length)
{
	if ((uint8_t)text[0] == TELNET_IAC) {
		return LINE_REPLY_SIZE;
	}
	const char *end = memchr(text, '\n', length);

	if (!end || end - text >= LINE_MOST || !memchr("+-=*", text[0], 4) ||
	    !text_is_clean(text, (size_t)(end - text))) {
		abort();
	}
	return (size_t)(end - text) + 1;
}

static void check_output(int client)
{
	static char output[OUTPUT_SIZE];
	ssize_t length = read(client, output, sizeof(output));

	for (ssize_t at = 0; at < length;) {
		at += (ssize_t)check_one(output + at, (size_t)(length - at));
	}
}

static void end_session(int client)
{
	close(client);
	for (int i = 0; core.turn.sessions->count > 1 && i < TURNS_MOST; i++) {
		run_turn();
		if (i >= TURNS_QUICK) {
			(void)usleep(1000);
		}
	}
	if (core.turn.sessions->count > 1) {
		abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int witness;

	if (size < 2) {
		return 0;
	}
	if (!core.turn.base) {
		start();
		witness = open_session();
		(void)!write(witness, "/join #r\n", 9);
	}
	size_t piece = (size_t)data[0] + 1;
	int client = open_session();

	(void)!write(client, "/join #r\n", 9);
	for (size_t at = 1; at < size; at += piece) {
		size_t length = size - at < piece ? size - at : piece;

		(void)!write(client, data + at, length);
		run_turn();
		check_output(client);
		check_output(witness);
	}
	end_session(client);
	check_output(witness);
	return 0;
}
