#include "server/echo/echo.h"

#include <errno.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/base/log.h"

struct echo_peer {
	struct event event;
	struct worker *worker;
	struct echo_peer *previous;
	struct echo_peer *next;
	int socket;
	bool writing; /* waits for room, not for input */
	char *kept;   /* what the socket did not take */
	size_t kept_length;
	size_t kept_sent;
};

static void on_event(evutil_socket_t socket, short what, void *argument);

static void finish(struct echo_peer *peer)
{
	struct worker *worker = peer->worker;

	event_del(&peer->event);
	close(peer->socket);
	if (peer->previous) {
		peer->previous->next = peer->next;
	} else {
		worker->echo_peers = peer->next;
	}
	if (peer->next) {
		peer->next->previous = peer->previous;
	}
	worker->echo_count--;
	free(peer->kept);
	free(peer);
}

static void wait_for(struct echo_peer *peer, short what)
{
	event_del(&peer->event);
	event_assign(&peer->event, peer->worker->base, peer->socket, (short)(what | EV_PERSIST),
		     on_event, peer);
	event_add(&peer->event, NULL);
}

static void to_upper(char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		unsigned char byte = (unsigned char)bytes[i];

		bytes[i] = (char)(byte - ((unsigned char)(byte - 'a') < 26 ? 'a' - 'A' : 0));
	}
}

/* Keeps what the socket did not take; false if there is no memory for it. */
static bool keep(struct echo_peer *peer, const char *bytes, size_t length)
{
	peer->kept = malloc(length);
	if (!peer->kept) {
		return false;
	}
	memcpy(peer->kept, bytes, length);
	peer->kept_length = length;
	peer->kept_sent = 0;
	peer->writing = true;
	wait_for(peer, EV_WRITE);
	return true;
}

static void read_and_answer(struct echo_peer *peer)
{
	struct worker *worker = peer->worker;
	char *bytes = worker->receive_buffer;
	ssize_t got = recv(peer->socket, bytes, RECEIVE_SIZE, 0);

	if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
		return;
	}
	if (got <= 0) {
		finish(peer); /* its end, or an error: all it sent has been answered */
		return;
	}
	if (worker->shared->options->echo == ECHO_UPPER) {
		to_upper(bytes, (size_t)got);
	}
	score_add(worker->score, COUNTER_ECHOED, (uint64_t)got);
	ssize_t sent = send(peer->socket, bytes, (size_t)got, MSG_NOSIGNAL);

	if (sent < 0 && errno != EAGAIN && errno != EINTR) {
		finish(peer);
		return;
	}
	sent = sent < 0 ? 0 : sent;
	if (sent < got && !keep(peer, bytes + sent, (size_t)(got - sent))) {
		finish(peer);
	}
}

static void send_kept(struct echo_peer *peer)
{
	ssize_t sent = send(peer->socket, peer->kept + peer->kept_sent,
			    peer->kept_length - peer->kept_sent, MSG_NOSIGNAL);

	if (sent < 0) {
		if (errno != EAGAIN && errno != EINTR) {
			finish(peer);
		}
		return;
	}
	peer->kept_sent += (size_t)sent;
	if (peer->kept_sent < peer->kept_length) {
		return;
	}
	free(peer->kept);
	peer->kept = NULL;
	peer->writing = false;
	if (peer->worker->draining) {
		finish(peer);
	} else {
		wait_for(peer, EV_READ);
	}
}

static void on_event(evutil_socket_t socket, short what, void *argument)
{
	struct echo_peer *peer = argument;

	(void)socket;
	(void)what;
	if (peer->writing) {
		send_kept(peer);
	} else {
		read_and_answer(peer);
	}
}

void echo_open(struct worker *worker, int socket)
{
	struct echo_peer *peer = calloc(1, sizeof(*peer));

	if (!peer) {
		log_warning("echo: out of memory");
		close(socket);
		return;
	}
	peer->worker = worker;
	peer->socket = socket;
	peer->next = worker->echo_peers;
	if (peer->next) {
		peer->next->previous = peer;
	}
	worker->echo_peers = peer;
	worker->echo_count++;
	event_assign(&peer->event, worker->base, socket, EV_READ | EV_PERSIST, on_event, peer);
	event_add(&peer->event, NULL);
}

void echo_drain_all(struct worker *worker)
{
	for (struct echo_peer *next, *peer = worker->echo_peers; peer; peer = next) {
		next = peer->next;
		if (!peer->writing) {
			finish(peer);
		}
	}
}
