/*
 * reader: takes what the stream of all machines brings, and appends what is said to the rooms' logs
 * here: the last step of a line on its way through the bus. From there it is delivered as any other
 * (chat/fan_out.h).
 *
 * What was said during a cut comes faster than people can be told: workers that are behind in a
 * room are waited for, so that none of it is overwritten before they read it; but not one that
 * hangs.
 *
 * Whoever runs as the bus process may be killed anywhere in it, and its successor is given the same
 * messages again, from behind `position`: nothing is missing then, and nothing is there twice.
 */
#ifndef SERVER_BUS_READER_H
#define SERVER_BUS_READER_H

#include "server/bus/order.h"
#include "server/state/shared_state.h"

/* The stream that was found is CREATED, and its last message at LAST: where it is read from. */
uint64_t reader_begin(struct shared_state *shared, uint64_t created, uint64_t last);

/*
 * Takes the message at SEQUENCE, and adds a bit to WAKES for each worker that it is news for. Says
 * whether it counted: ORDER_EARLY of one's own asks for those before it to be published anew.
 */
enum order_verdict reader_take(struct shared_state *shared, struct span bytes, uint64_t sequence,
			       uint64_t *wakes);

/* Wakes the workers that WAKES has a bit for. */
void reader_wake(const struct shared_state *shared, uint64_t wakes);

/* Whose it was, for ORDER_EARLY: the worker of this server; -1: another machine's. */
int reader_own_worker(const struct shared_state *shared, struct span bytes);

#endif
