#include "tests/fuzz/worker.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/process/core.h"
#include "server/session/session.h"

#define SEATS       4
#define PIECES_MOST 256
#define TURNS_MOST  5000 /* for a client that is gone to be forgotten */
#define TURNS_QUICK 64   /* of them: the others wait a millisecond for who counts */
#define PAUSE_US    1000

static struct options options = { .workers = 1,
				  .max_connections = SEATS,
				  .history = 10,
				  .max_quantity = 5,
				  .operator_password = "o",
				  .public_urls = { "http://a" },
				  .public_url_count = 1,
				  .send_queue_bytes = WORKER_OUTPUT_SIZE };
static struct shared_state shared;
static struct core core;
static const struct front *front;

void worker_start(const struct front *clients)
{
	if (!front) {
		front = clients;
		shared_state_init(&shared, &options);
		core_init(&core, &shared, 0);
		core.turn.base = event_base_new();
	}
}

int worker_open(void)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) {
		abort();
	}
	(void)session_open(&core.turn, front, &(struct session_socket){ .descriptor = ends[0] });
	return ends[1];
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

void worker_turn(void)
{
	turn_forget_time(&core.turn);
	(void)event_base_loop(core.turn.base, EVLOOP_NONBLOCK);
	answer_bookings();
	core_turn(&core);
}

size_t worker_piece(uint8_t said, size_t unit, size_t size)
{
	size_t piece = said * unit + 1;

	return piece > size / PIECES_MOST ? piece : size / PIECES_MOST;
}

void worker_send(int client, const uint8_t *data, size_t size, size_t piece,
		 void (*look)(int client))
{
	for (size_t at = 0; at < size; at += piece) {
		(void)!write(client, data + at, size - at < piece ? size - at : piece);
		worker_turn();
		look(client);
	}
}

void worker_end(int client, uint32_t left)
{
	close(client);
	for (int i = 0; core.turn.sessions->count > left && i < TURNS_MOST; i++) {
		worker_turn();
		if (i >= TURNS_QUICK) {
			(void)usleep(PAUSE_US);
		}
	}
	if (core.turn.sessions->count > left) {
		abort();
	}
}
