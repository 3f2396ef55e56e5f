/*
 * Requests that are taken back while their worker dies, in one worker without a process and without
 * a clerk: whoever takes it over, who asked is told once, in the order of what was asked.
 */
#include "server/booking/boxoffice.h"

#include <criterion/criterion.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/lines/lines.h"
#include "server/process/core.h"
#include "server/session/session.h"
#include "tests/support/child.h"

#define PEOPLE   2
#define REQUESTS 2 /* of each */
#define SEATS    (PEOPLE + 1)
#define LONG_AGO 1  /* nanoseconds since the machine started */
#define KILLS    40 /* so many steps, evenly apart */
#define TURNS    4  /* more than what is to be done takes */
#define OUT_SIZE 4096

#define REFUSED "-BUSY the store is not to be had; nothing was done\n"

static struct options options = {
	.workers = 1, .max_connections = SEATS, .history = 10, .send_queue_bytes = 1 << 20
};
static struct shared_state shared;
static struct core core;
static int clients[PEOPLE];
static int sockets[SEATS]; /* the server's ends, by seat: what the master has copies of */

/* Connections as they are between machines: the kernel counts their bytes. */
static void connect_pair(int *client, int *server)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(address);
	const struct timeval patience = { .tv_sec = CHILD_PATIENCE_NS / NS_PER_SECOND };
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert_eq(bind(listener, (struct sockaddr *)&address, length), 0);
	cr_assert_eq(listen(listener, 1), 0);
	cr_assert_eq(getsockname(listener, (struct sockaddr *)&address, &length), 0);
	*client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(connect(*client, (struct sockaddr *)&address, length), 0);
	*server = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	cr_assert_eq(setsockopt(*server, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int)), 0);
	cr_assert_eq(setsockopt(*client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
	close(listener);
}

static void say(int client, const char *text)
{
	cr_assert_eq(write(client, text, strlen(text)), (ssize_t)strlen(text));
}

static void run_turn(struct core *one)
{
	turn_forget_time(&one->turn);
	(void)event_base_loop(one->turn.base, EVLOOP_NONBLOCK);
	core_turn(one);
}

static void hear(int client, const char *expected)
{
	char text[OUT_SIZE] = "";
	const size_t wanted = strlen(expected);
	ssize_t length = recv(client, text, wanted, MSG_WAITALL);

	cr_assert(length >= 0 && strncmp(text, expected, wanted) == 0, "'%s', not '%s'", text,
		  expected);
}

static void enter(int *client)
{
	char greeting[OUT_SIZE];
	int socket;

	connect_pair(client, &socket);
	const struct session *session = session_open(
		&core.turn, &lines_front, &(struct session_socket){ .descriptor = socket });

	cr_assert_not_null(session);
	sockets[session->index] = socket;
	run_turn(&core);
	cr_assert_gt(recv(*client, greeting, sizeof(greeting), 0), 0);
}

/* All of them wait for so long that they are to be taken back. */
static void let_time_pass(void)
{
	struct booking_ring *ring = &shared.queue->rings[0];

	for (int i = 0; i < TURNS && ring->submitted < PEOPLE * REQUESTS; i++) {
		run_turn(&core);
	}
	cr_assert_eq(ring->submitted, PEOPLE * REQUESTS);
	for (uint64_t i = 0; i < ring->submitted; i++) {
		ring->slots[i].asked_ns = LONG_AGO;
	}
	shared.queue->hindered = true;
}

/* The core is left as a dead worker leaves it: what it has in shared memory is others' now. */
static void leave(void)
{
	if (core.turn.base) {
		event_base_free(core.turn.base);
		shared_state_finish(&shared);
	}
	for (int i = 0; i < PEOPLE && core.turn.base; i++) {
		close(clients[i]);
	}
	for (int seat = 0; seat < SEATS; seat++) {
		if (core.turn.base && sockets[seat] >= 0) {
			close(sockets[seat]);
		}
		sockets[seat] = -1;
	}
	core.turn.base = NULL;
}

static void prepare(void)
{
	leave();
	shared_state_init(&shared, &options);
	core_init(&core, &shared, 0);
	core.turn.base = event_base_new();
	for (int i = 0; i < PEOPLE; i++) {
		enter(&clients[i]);
		for (int request = 0; request < REQUESTS; request++) {
			say(clients[i], "/book rush\n");
		}
	}
	let_time_pass();
}

TestSuite(boxoffice, .fini = leave, .timeout = 300);

static int take_back(void *argument)
{
	(void)argument;
	turn_forget_time(&core.turn);
	boxoffice_turn(&core.turn);
	return 0;
}

/* A clerk that has the store again: what was taken back it passes over. */
static void serve(void)
{
	struct booking_ring *ring = &shared.queue->rings[0];

	for (uint64_t i = ring->answered; i < ring->submitted; i++) {
		bool takes = booking_slot_take(&ring->slots[i]);

		ring->slots[i].answer.outcome = takes ? BOOKING_NOT_FOUND : BOOKING_HINDERED;
	}
	atomic_store(&ring->answered, ring->submitted);
}

/* Nobody waits for a clerk to hear it. */
static void check_all_told(void)
{
	const struct booking_ring *ring = &shared.queue->rings[0];

	for (uint64_t i = ring->taken; i < ring->submitted; i++) {
		child_check(ring->slots[i].claim == BOOKING_TOLD);
	}
}

/* In a child: the worker's successor. */
static int take_over(void *argument)
{
	static struct core next;

	(void)argument;
	core_init(&next, &shared, 0);
	next.turn.base = event_base_new();
	core_keep(&next, sockets);
	child_check(core_adopt(&next, sockets) == PEOPLE);
	run_turn(&next);
	check_all_told();
	serve();
	for (int i = 0; i < TURNS; i++) {
		run_turn(&next);
	}
	return 0;
}

static void expect_told_once(void)
{
	char byte;

	for (int i = 0; i < PEOPLE; i++) {
		say(clients[i], "/ping\n");
	}
	cr_assert_eq(child_run(take_over, NULL), 0);
	for (int i = 0; i < PEOPLE; i++) {
		hear(clients[i], REFUSED REFUSED "+pong\n");
		cr_assert_lt(recv(clients[i], &byte, 1, MSG_DONTWAIT), 0, "and once more");
	}
}

Test(boxoffice, what_is_taken_back_while_its_worker_dies_is_told_once)
{
	prepare();
	(void)take_back(NULL);
	prepare();
	const long steps = child_count_steps(take_back, NULL);

	if (steps == CHILD_UNTRACEABLE) {
		cr_skip_test("nobody may trace here");
	}
	for (long i = 0; i <= KILLS; i++) {
		prepare();
		struct child worker = child_kill_at(take_back, NULL, steps * i / KILLS);

		(void)child_join(&worker);
		expect_told_once();
	}
}
