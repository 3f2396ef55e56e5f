/*
 * worker: one of the processes that serve clients: its event loop and what hangs on it.
 *
 * A worker gets sockets from the master, or accepts them itself, and keeps them until they end. Its
 * loop never blocks: what may block is on its clerk's thread (clerk.h). A turn of the loop is: what
 * the sockets have, answers from the clerk, letters from other workers, news of rooms, then one
 * write a socket.
 */
#ifndef SERVER_PROCESS_WORKER_H
#define SERVER_PROCESS_WORKER_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/chat/post.h"
#include "server/session/output.h"
#include "server/session/reply.h"
#include "server/state/shared_state.h"

#define RECEIVE_SIZE (64 * 1024) /* bytes read from a socket at once */

struct session;
struct echo_peer;
struct fan_out;
struct clerk;

struct worker {
	struct shared_state *shared;
	uint32_t number; /* from 0; people see it from 1 */
	struct score *score;
	struct event_base *base;
	int64_t now_ns; /* see worker_now_ns */
	int64_t wall_ns;

	struct session **sessions; /* by seat; NULL where the seat is free */
	uint32_t *free_seats;      /* a stack */
	uint32_t free_count;
	struct session *unsent;  /* those with something to flush */
	struct session *waiting; /* those whose line has to be tried again next turn */
	struct session *ended;   /* those to be freed at the end of the turn */
	uint32_t session_count;
	struct echo_peer *echo_peers;
	uint32_t echo_count;

	struct block *copied;      /* replies are copied into it */
	struct reply reply;        /* to the commands being carried out */
	struct session *answering; /* whose replies lie in `reply`, not queued yet; or NULL */
	struct fan_out *fan_out;
	struct post_queue posts;
	uint64_t to_wake;    /* a bit a worker: see worker_wake */
	uint32_t rooms_made; /* of the board's events: each has its room */
	struct clerk *clerk;
	int64_t sale_at_ns;    /* when a *sale is to be looked for again; 0: not */
	uint32_t changes_seen; /* of the board's */
	uint32_t numberings;   /* of those who wait, that were told */
	bool submitted;        /* bookings were put on the queue this turn */
	bool draining;
	bool finished;
	char *receive_buffer; /* RECEIVE_SIZE bytes */
};

/* What the master gives a worker to start with. */
struct worker_start {
	struct shared_state *shared;
	uint32_t number;
	char name[24];        /* "worker 3" */
	int channel;          /* to the master */
	const int *listeners; /* DISPATCH_ACCEPT: one for each of the options' listeners */
	size_t listener_count;
};

/* The worker's whole life, in its own process: returns its exit status. START is a worker_start. */
int worker_run(void *start);

/* What the master and a worker say to each other over their channel. */
enum worker_message_kind {
	MESSAGE_SOCKETS, /* to the worker: sockets, with a kind each; to be acknowledged */
	MESSAGE_TAKEN,   /* to the master: the sockets of message `number` are mine */
	MESSAGE_REFUSED, /* to the master: they did not all arrive; the rest are yours still */
	MESSAGE_DRAIN,   /* to the worker: end, within the options' drain time */
	MESSAGE_READY    /* to the master: I serve */
};

struct worker_message {
	uint32_t kind;
	uint32_t count;  /* SOCKETS: of descriptors; REFUSED: how many did arrive, from the first on
			  */
	uint64_t number; /* SOCKETS, TAKEN, REFUSED */
	uint8_t kinds[64];             /* SOCKETS: enum listener_kind of each */
	struct peer_address peers[64]; /* SOCKETS: where each comes from */
};

/* The time of this turn, monotonic or wall: read once a turn, when first asked for. */
int64_t worker_now_ns(struct worker *worker);
int64_t worker_wall_ns(struct worker *worker);

/* What of a message is sent: without the rows of sockets that are not there. */
#define WORKER_MESSAGE_LENGTH(sockets) \
	(offsetof(struct worker_message, peers) + (sockets) * sizeof(struct peer_address))

/* Takes a connected, non-blocking socket over: opens a session or an echo on it. */
void worker_take_socket(struct worker *worker, int socket, enum listener_kind kind,
			struct peer_address peer);

/*
 * The workers, but this one, that have members in ROOM, or one worker, are woken at the end of the
 * turn: all that the turn brings them is there then, and they need not sleep and wake in between.
 */
void worker_wake_room(struct worker *worker, uint16_t room);
void worker_wake(struct worker *worker, uint32_t other);

#endif
