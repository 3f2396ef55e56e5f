/*
 * told: where this worker's sessions have been told of which renames, so that who shares several
 * rooms with somebody hears of a new nick once: in the room that is delivered first.
 *
 * Renames have numbers that grow (rooms->renames). The last few hundred are kept; one that is
 * looked for later is told twice, at worst.
 *
 * One for each worker, in shared memory, so that its successor tells nobody twice either. Written
 * by that worker's loop alone; whenever it ends, what is there is true.
 */
#ifndef SERVER_STATE_TOLD_H
#define SERVER_STATE_TOLD_H

#include <stdatomic.h>
#include <stdint.h>

#define TOLD_RENAMES 256
#define TOLD_ROOMS   48 /* a rename's, and some that were joined soon after */

struct told_rename {
	_Atomic uint64_t number; /* 0: none yet */
	_Atomic uint16_t room_count;
	uint16_t rooms[TOLD_ROOMS]; /* whose members here were told */
};

/* All zero at its start. */
struct told {
	struct told_rename renames[TOLD_RENAMES];
};

/* Where it was told; an empty one if nowhere, or too long ago. */
const struct told_rename *told_find(const struct told *told, uint64_t number);

void told_note(struct told *told, uint64_t number, uint16_t room);

#endif
