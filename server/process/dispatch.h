/*
 * dispatch: accepts connections and hands them to the workers (--dispatch handoff).
 *
 * What one turn accepts goes to the least loaded workers, one message a worker with all its
 * sockets. The master keeps its copies until the worker says that it has them; when the worker dies
 * before that, or its process could not take them, they are handed to another. When descriptors run
 * out, accepting pauses, and those already here are served on. TLS listeners are the tls process's:
 * from there come sockets that are handed on all the same, with --dispatch accept too.
 */
#ifndef SERVER_PROCESS_DISPATCH_H
#define SERVER_PROCESS_DISPATCH_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>

#include "server/process/worker.h"
#include "server/state/shared_state.h"

struct dispatch;
struct copies;

/* Watches the options' LISTENERS (still the caller's) on BASE. COPIES: NULL with --adopt off. */
struct dispatch *dispatch_create(struct event_base *base, struct shared_state *shared,
				 const int *listeners, size_t listener_count,
				 struct copies *copies);

/* A worker is ready to take sockets over CHANNEL. */
void dispatch_add_worker(struct dispatch *dispatch, uint32_t worker, int channel);

/* It gets none any more, for now: it lets go, and may still acknowledge those it got. */
void dispatch_pause_worker(struct dispatch *dispatch, uint32_t worker);

/* It is gone; the sockets that it did not acknowledge are handed to others. */
void dispatch_remove_worker(struct dispatch *dispatch, uint32_t worker);

/*
 * The worker answered a message: TAKEN or REFUSED. False, with nothing changed, when that answers
 * nothing that it was asked: a worker that was taken over may say anything.
 */
bool dispatch_answered(struct dispatch *dispatch, uint32_t worker,
		       const struct worker_message *message);

/*
 * A socket that somebody else accepted, owned from here on: the plain end of a TLS connection. It
 * is handed on like any other.
 */
void dispatch_take(struct dispatch *dispatch, int socket, const struct arrival *arrival);

/*
 * Accepts nobody for now, or goes on: who comes meanwhile waits in the listener. And the sockets
 * that no worker has yet, still ours: the next COUNT, from *INDEX on, which is moved behind them,
 * with how each came; how many there were.
 */
void dispatch_hold(struct dispatch *dispatch, bool hold);
size_t dispatch_waiting(const struct dispatch *dispatch, size_t *index, size_t count, int *sockets,
			struct arrival *arrivals);

/* Accepts no more; who was accepted and not yet handed on is let go. */
void dispatch_stop(struct dispatch *dispatch);

#endif
