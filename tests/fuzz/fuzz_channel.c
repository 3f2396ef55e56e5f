/*
 * What a worker that was taken over says to the master: the master hears what can be, and lets go
 * of the worker else; every socket that it accepted is closed or handed to another, none twice, and
 * it keeps no descriptor that it was sent.
 *
 * The input is a row of messages: how many descriptors, how many bytes, and these, or a stream that
 * is written into the shared memory; handoffs are numbered from 1. The first byte says how many
 * connections there are.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/process/copies.h"
#include "server/process/dispatch.h"
#include "server/process/slot.h"
#include "shared/base/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CLIENTS_MOST 8
#define CLAIM        0x80 /* bit of the first byte of two: a stream is written, nothing is sent */
#define SENT_MOST    3    /* descriptors with a message */

static struct options options = { .workers = 2, .max_connections = 4, .history = 1 };
static struct shared_state shared;
static struct event_base *base;
static struct copies *copies;
static struct dispatch *dispatch;
static int listener;
static int masters[2]; /* the master's and the worker's end of each worker's channel */
static int workers[2];
static struct channel_message received;
static uint64_t number_before; /* of the last handoff before this input */

static void expect(bool holds)
{
	if (!holds) {
		abort();
	}
}

/* The lowest that is free: who keeps one open takes it. */
static int next_descriptor(void)
{
	int next = dup(STDERR_FILENO);

	close(next);
	return next;
}

static void start(void)
{
	const struct sockaddr address = { .sa_family = AF_UNIX }; /* any abstract name */

	log_start("fuzz", LOG_ERROR, LOG_TEXT);
	shared_state_init(&shared, &options);
	base = event_base_new();
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	expect(bind(listener, &address, sizeof(address.sa_family)) == 0);
	expect(listen(listener, CLIENTS_MOST) == 0);
	copies = copies_create(&shared);
	dispatch = dispatch_create(base, &shared, &listener, 1, copies);
}

static void open_worker(uint32_t worker)
{
	int ends[2];

	expect(channel_open(ends));
	masters[worker] = ends[0];
	workers[worker] = ends[1];
	dispatch_add_worker(dispatch, worker, masters[worker]);
}

static void close_worker(uint32_t worker)
{
	dispatch_remove_worker(dispatch, worker);
	close(masters[worker]);
	close(workers[worker]);
}

static int connect_client(void)
{
	struct sockaddr_storage address;
	socklen_t length = sizeof(address);
	int client = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	expect(getsockname(listener, (struct sockaddr *)&address, &length) == 0);
	expect(connect(client, (const struct sockaddr *)&address, length) == 0);
	return client;
}

/* A copy of what a worker accepted: not where the master accepts. */
static bool was_closed(const struct worker_message *message)
{
	if (message->kind == MESSAGE_ACCEPTED && received.descriptor_count > 0) {
		close(received.descriptors[0]);
	}
	return message->kind == MESSAGE_ACCEPTED;
}

/* As the slot does: what cannot be said costs the worker its place. */
static void master_hears(uint32_t worker)
{
	struct worker_message message;
	enum channel_result result;
	bool good = true;

	while (good && ((result = channel_receive(masters[worker], &received)) == CHANNEL_OK ||
			result == CHANNEL_CUT)) {
		good = slot_read_message(&received, SLOT_WORKER, &message) &&
		       (message.kind == MESSAGE_READY || was_closed(&message) ||
			dispatch_answered(dispatch, worker, &message));
	}
	if (!good) {
		close_worker(worker);
		open_worker(worker);
	}
}

/* A worker that is what it should be: closes what it got and says so. */
static void worker_answers(uint32_t worker)
{
	struct worker_message message;

	while (channel_receive(workers[worker], &received) == CHANNEL_OK) {
		memset(&message, 0, sizeof(message));
		memcpy(&message, received.bytes, received.length);
		for (size_t i = 0; i < received.descriptor_count; i++) {
			close(received.descriptors[i]);
		}
		message.kind = MESSAGE_TAKEN;
		expect(channel_send(workers[worker], &message,
				    offsetof(struct worker_message, seats) +
					    message.count * sizeof(*message.seats),
				    NULL, 0) == CHANNEL_OK);
		master_hears(worker);
	}
}

/* Takes what worker 0 was sent, and where its numbers begin. */
static void learn_number(void)
{
	struct worker_message message = { .count = 0 };

	while (channel_receive(workers[0], &received) == CHANNEL_OK) {
		memcpy(&message, received.bytes, WORKER_MESSAGE_LENGTH(0));
		for (size_t i = 0; i < received.descriptor_count; i++) {
			close(received.descriptors[i]);
		}
		number_before = message.number - 1;
	}
}

/* A message's number counts from there. */
static void set_number(unsigned char *bytes, size_t length)
{
	uint64_t number;

	if (length >= offsetof(struct worker_message, number) + sizeof(number)) {
		memcpy(&number, bytes + offsetof(struct worker_message, number), sizeof(number));
		number += number_before;
		memcpy(bytes + offsetof(struct worker_message, number), &number, sizeof(number));
	}
}

/* What it writes into the shared memory: whose stream a seat has, and that any seat was left. */
static void claim(uint8_t what)
{
	struct stream *stream = streams_at(shared.streams, 0, what % options.max_connections);

	stream->session = 1;
	stream->handoff = HANDOFF_OF(number_before + 1, what / options.max_connections);
	atomic_store(&shared.streams->closed[0], UINT64_MAX);
	atomic_store(&shared.streams->any_closed[0], 1);
	atomic_store(&shared.streams->highest[0], UINT32_MAX);
}

/* No socket is kept for two. */
static void check_copies(void)
{
	uint32_t count;
	const int *sockets = copies_of(copies, 0, &count);

	for (uint32_t i = 0; i < count; i++) {
		for (uint32_t j = 0; j < i; j++) {
			expect(sockets[i] < 0 || sockets[i] != sockets[j]);
		}
	}
}

static size_t say(const uint8_t *data, size_t size)
{
	static const int sent[SENT_MOST] = { STDERR_FILENO, STDERR_FILENO, STDERR_FILENO };
	unsigned char bytes[UINT8_MAX];
	size_t count = data[0] % (SENT_MOST + 1), length = data[1];

	if (data[0] & CLAIM) {
		claim(data[1]);
		return 2;
	}
	if (length > size - 2) {
		length = size - 2;
	}
	if (length > 0) {
		memcpy(bytes, data + 2, length);
		set_number(bytes, length);
		(void)channel_send(workers[0], bytes, length, sent, count);
		master_hears(0);
	}
	return length + 2;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int clients[CLIENTS_MOST];
	char byte;

	if (!base) {
		start();
	}
	if (size < 1) {
		return 0;
	}
	int next = next_descriptor();
	size_t count = data[0] % CLIENTS_MOST + 1;

	open_worker(0);
	open_worker(1);
	for (size_t i = 0; i < count; i++) {
		clients[i] = connect_client();
	}
	(void)event_base_loop(base, EVLOOP_NONBLOCK);
	learn_number();
	for (size_t at = 1; at + 2 < size;) {
		at += say(data + at, size - at);
	}
	close_worker(0);
	check_copies();
	copies_sweep(copies);
	for (uint32_t seat = 0; seat < options.max_connections; seat++) {
		atomic_store(&streams_at(shared.streams, 0, seat)->session, 0);
	}
	copies_drop(copies, 0);
	worker_answers(1);
	for (size_t i = 0; i < count; i++) {
		expect(recv(clients[i], &byte, 1, 0) == 0); /* taken by the other, and closed */
		close(clients[i]);
	}
	close_worker(1);
	expect(next_descriptor() == next);
	return 0;
}
