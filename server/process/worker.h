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

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/config/arrival.h"
#include "server/state/shared_state.h"
#include "server/tls/key_pair.h"

/* What the master gives a worker to start with. */
struct worker_start {
	struct shared_state *shared;
	uint32_t number;
	char name[24];        /* "worker 3" */
	int channel;          /* to the master */
	const int *listeners; /* one for each of the options' listeners; or none of them */
	size_t listener_count;
	const int *sockets; /* its predecessor's connections, by seat; -1: none there; or NULL */
	struct key_pair key_pair; /* of the tls process */
	uint64_t accepted_before; /* connections, by those who were here before */
	bool retires;             /* it gets no new connection, and ends with its last */
};

/* The worker's whole life, in its own process: returns its exit status. START is a worker_start. */
int worker_run(void *start);

/*
 * What the master and a worker say to each other over their channel. With a tls process that was
 * here before this binary (lingering.h) that is DRAIN, LINGER, READY and SOCKETS: these keep their
 * numbers and their form.
 */
enum worker_message_kind {
	/*
	 * To a worker: sockets, and how each came; to be acknowledged. From tls to the master:
	 * plain ends of its connections, not to be acknowledged.
	 */
	MESSAGE_SOCKETS,
	MESSAGE_TAKEN,   /* to the master: the sockets of message `number` are mine, at `seats` */
	MESSAGE_REFUSED, /* to the master: they did not all arrive; the rest are yours still */
	MESSAGE_DRAIN,   /* to the worker: end, within the options' drain time */
	/*
	 * To the worker: end, and leave your connections to another (slot.h), who comes when all is
	 * settled if `count` is not 0, else at once.
	 */
	MESSAGE_YIELD,
	MESSAGE_RELOAD,   /* to tls, with certificate and key: options that are others (tls.h) */
	MESSAGE_READY,    /* to the master: I serve, with `count` connections of my predecessor */
	MESSAGE_ACCEPTED, /* to the master, with a copy: I accepted it myself, as handoff `number`
			   */
	MESSAGE_CRASH,    /* there is an order (state/crash.h); to the worker: it is done */
	MESSAGE_LINGER,   /* to tls: another one accepts; end with your last connection (tls.h) */
	MESSAGE_LEFT      /* to the master, after YIELD: all is left, and it ends */
};

#define WORKER_SOCKETS_MAX 64 /* with one message */

struct worker_message {
	uint32_t kind;
	uint32_t count;  /* SOCKETS: of descriptors; REFUSED: how many did arrive, the first ones */
	uint64_t number; /* SOCKETS, TAKEN, REFUSED */
	union {
		struct arrival arrivals[WORKER_SOCKETS_MAX]; /* SOCKETS: how each came */
		uint32_t seats[WORKER_SOCKETS_MAX]; /* TAKEN, ACCEPTED: who has it; NO_SEAT: it was
						       refused */
	};
};

#define NO_SEAT UINT32_MAX

/* Which socket it is, for both sides: the one at that place of message NUMBER. */
#define HANDOFF_SHIFT             6
#define HANDOFF_OF(number, place) ((number) << HANDOFF_SHIFT | (place))

/* What of a message is sent: without the rows of sockets that are not there. */
#define WORKER_MESSAGE_LENGTH(sockets) \
	(offsetof(struct worker_message, arrivals) + (sockets) * sizeof(struct arrival))

#endif
