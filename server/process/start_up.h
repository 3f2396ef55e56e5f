/*
 * start_up: what the master does once, before it starts anybody: the limit of descriptors, the
 * certificate, the shared memory, the ports, the user, the store, the pid file; in this order.
 *
 * Whatever is wrong with one of them is said here, in one line, and ends the program.
 */
#ifndef SERVER_PROCESS_START_UP_H
#define SERVER_PROCESS_START_UP_H

#include <stdbool.h>

#include "server/state/shared_state.h"
#include "server/tls/key_pair.h"

/*
 * Fills SHARED and LISTENERS (one for each of the options'), brings the store and the stock board
 * up to date, and closes the store again: no handle of it crosses a fork. The store's lock stays
 * mapped. KEY_PAIR is opened, and was checked, where there are TLS listeners. TAKES_OVER: another
 * process still serves, whose state comes later (takeover.h): the store is opened, and else left as
 * it is, and the pid file, too.
 */
void start_up(const struct options *options, bool takes_over, struct shared_state *shared,
	      int *listeners, struct key_pair *key_pair);

#endif
