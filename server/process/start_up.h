/*
 * start_up: what the master does once, before it starts anybody: the limit of descriptors, the
 * shared memory, the ports, the user, the store, the pid file; in this order.
 *
 * Whatever is wrong with one of them is said here, in one line, and ends the program.
 */
#ifndef SERVER_PROCESS_START_UP_H
#define SERVER_PROCESS_START_UP_H

#include "server/state/shared_state.h"
#include "shared/sync/mutex.h"

/*
 * Fills SHARED and LISTENERS (one for each of the options'), brings the store and the stock board
 * up to date, and closes the store again: no handle of it crosses a fork. Returns the store's lock,
 * which stays mapped.
 */
struct mutex *start_up(const struct options *options, struct shared_state *shared, int *listeners);

#endif
