/*
 * snapshot: all that the processes of a server share, in a form that another version of the program
 * reads, which lays its memory out as it likes.
 *
 * So connections, rooms, who waits and who is banned go along when another binary takes over
 * (process/upgrade.h), and when one process lays its memory out anew. It is a row of records
 * (shared/base/record.h) without pointers, places in memory or hashes: what can be derived is
 * derived again. Who sits where stays as it is: a seat is named by its worker and its number.
 *
 * It is made when no worker runs. A worker may have been killed, and have left its input or a
 * delivery in hand: that goes along, too, and its successor goes on with it. What a batch of
 * bookings was at must be settled before.
 */
#ifndef SERVER_SNAPSHOT_SNAPSHOT_H
#define SERVER_SNAPSHOT_SNAPSHOT_H

#include <stdbool.h>

#include "server/state/shared_state.h"
#include "shared/base/record.h"

/*
 * Of another major number nobody reads anything; of another minor one some of what is there is new
 * and is left out, or is not there yet and is empty. What a front keeps of a peer's input goes
 * along as its bytes (progress_keep): who changes what that is raises the major number.
 */
#define SNAPSHOT_MAJOR 1
#define SNAPSHOT_MINOR 1

#define SNAPSHOT_WHY_SIZE 128 /* bytes of why not, a NUL counted in */

/* What a layout must have room for at least, to take another's state. */
struct snapshot_size {
	uint32_t workers;
	uint32_t seats; /* of each worker */
};
struct snapshot_size snapshot_size(const struct shared_state *shared);

/*
 * Appends all of SHARED to RECORDS, which is open for writing. It follows pointers that workers
 * wrote: better a process does it that may die of it. False and WHY when it cannot be done now.
 */
bool snapshot_write(struct shared_state *shared, struct records *records, char *why);

/*
 * Reads it into SHARED, fresh from shared_state_init and in nobody else's hands, of at least that
 * snapshot_size. False and WHY when it is not whole, not understood or of another major version:
 * SHARED is good for nothing then. Whoever runs as a worker next goes on with the sessions, as
 * after a death (session/adopt.h).
 */
bool snapshot_read(struct shared_state *shared, struct records *records, char *why);

#endif
