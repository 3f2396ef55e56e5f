/*
 * copies: the master's copy of each connection's socket, by the seat of who has it (--adopt on).
 *
 * While the master has a copy, a connection does not end with the worker that serves it: its
 * successor gets it at its birth. A copy is closed when the worker says that the session is over
 * (state/stream.h); until then, for a second at most, the descriptor lies idle.
 */
#ifndef SERVER_PROCESS_COPIES_H
#define SERVER_PROCESS_COPIES_H

#include <stdint.h>

#include "server/state/shared_state.h"

struct copies;

/* Dies when memory is gone. */
struct copies *copies_create(struct shared_state *shared);

/*
 * WORKER's session at SEAT has this SOCKET (ours, owned from here on), which went to it as HANDOFF;
 * it is closed if that session is over already.
 */
void copies_add(struct copies *copies, uint32_t worker, uint32_t seat, uint64_t handoff,
		int socket);

/* Closes those of sessions that are over. */
void copies_sweep(struct copies *copies);

/* Closes all of a worker's: its connections end. */
void copies_drop(struct copies *copies, uint32_t worker);

/* Calls SEE for each of all workers'. */
void copies_each(struct copies *copies, void (*see)(void *context, int socket), void *context);

/* A worker's, by seat: -1: none. COUNT is how many seats to look at. */
const int *copies_of(struct copies *copies, uint32_t worker, uint32_t *count);

#endif
