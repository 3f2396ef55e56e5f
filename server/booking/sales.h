/*
 * sales: what the rooms of events are told of them: each event has its room, from the moment that
 * it stands on the board, and hears what is left when that changed.
 */
#ifndef SERVER_BOOKING_SALES_H
#define SERVER_BOOKING_SALES_H

#include <stdbool.h>
#include <stdint.h>

#include "server/state/turn.h"

/* What a worker told of the board; all zero at first. */
struct sales {
	int64_t again_ns;      /* when a sale is to be looked for again; 0: not */
	uint32_t changes_seen; /* of the board's */
	uint32_t rooms_made;   /* of the board's events, the first ones */
};

/* Once a turn: makes the rooms of new events. */
void sales_make_rooms(struct sales *sales, struct turn *turn);

/* Whether stock changed since the last look, or a change that had to wait has waited enough. */
bool sales_are_due(struct sales *sales, struct turn *turn);

/*
 * Tells the rooms of all events whose stock changed, where that is due; sets `again_ns` where it is
 * due later.
 */
void sales_announce(struct sales *sales, struct turn *turn);

#endif
