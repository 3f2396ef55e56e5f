/*
 * Letters of a worker that was taken over, bytes as it likes: what is read of a letter lies in it,
 * and the worker that gets it lives on.
 *
 * The input is a row of letters: how many bytes, and these.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/lines/lines.h"
#include "server/process/core.h"
#include "server/session/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FROM        1
#define TO          0
#define SEATS       4
#define OUTPUT_SIZE (1 << 16)

static struct options options = {
	.workers = 2, .max_connections = SEATS, .history = 10, .send_queue_bytes = 1 << 20
};
static struct shared_state shared;
static struct hand hand;
static struct core core;
static int client = -1;

static void open_client(void)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) {
		abort();
	}
	(void)session_open(&core.turn, &lines_front,
			   &(struct session_socket){ .descriptor = ends[0] });
	client = ends[1];
}

static void start(void)
{
	shared_state_init(&shared, &options);
	core_init(&core, &shared, TO);
	core.turn.base = event_base_new();
	open_client();
}

static struct ring *ring(void)
{
	const struct inboxes *inboxes = shared.inboxes;
	size_t place = (size_t)TO * inboxes->workers + FROM;

	return (struct ring *)(void *)(inboxes->rings + place * inboxes->ring_bytes);
}

static void put_letters(const uint8_t *data, size_t size)
{
	for (size_t at = 0; at + 1 < size;) {
		size_t length = data[at] < size - at - 1 ? data[at] : size - at - 1;
		void *letter = length > 0 ? ring_reserve(ring(), length) : NULL;

		if (letter) {
			memcpy(letter, data + at + 1, length);
			ring_publish(ring(), length);
		}
		at += length + 1;
	}
	inbox_announce(shared.inboxes, FROM);
}

/* A ring's record has its length before it. */
static void check_letter(void *context, const struct letter *letter)
{
	const struct message message = letter_message(letter);
	const char *end = message.text.text + message.text.length;
	uint64_t header;

	(void)context;
	memcpy(&header, (const char *)letter - sizeof(header), sizeof(header));
	if (message.nick.length >= NAME_NICK_SIZE ||
	    end > (const char *)letter + (header & UINT32_MAX)) {
		abort();
	}
}

static void run_turn(void)
{
	turn_forget_time(&core.turn);
	(void)event_base_loop(core.turn.base, EVLOOP_NONBLOCK);
	core_turn(&core);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char output[OUTPUT_SIZE];

	if (client < 0) {
		start();
	}
	put_letters(data, size);
	inbox_drain(shared.inboxes, TO, &hand, check_letter, NULL);
	put_letters(data, size);
	run_turn();
	if (read(client, output, sizeof(output)) == 0) { /* the last that it heard */
		close(client);
		run_turn();
		open_client();
	}
	return 0;
}
