/*
 * stop: the points at which a buyer of a scheduled heat stops, until the scheduler lets it go on.
 *
 * One lies in shared memory for each buyer. `before` is written by the buyer, and read by the
 * scheduler once it has arrived.
 */
#ifndef CLIENT_RACE_STOP_H
#define CLIENT_RACE_STOP_H

#include "shared/base/memory.h"
#include "shared/sync/latch.h"

struct race_stop {
	_Alignas(CACHE_LINE) struct latch arrived;
	struct latch go;
	char before; /* the letter of the step that comes next: l, r, w, u */
};

/* The buyer's: says where it stands, and waits to be let go. With NULL it goes on at once. */
void race_stop_before(struct race_stop *stop, char letter);

/* The scheduler's: lets it go; it has not arrived anywhere any more. */
void race_stop_let_go(struct race_stop *stop);

#endif
