/*
 * unlocked: --serialize none: what happens without a lock, for the demonstration only.
 *
 * A booking reads what is left, waits, and writes back what follows from what it read, however many
 * others did the same in between: so updates are lost and tickets sold twice. Only each single read
 * and each single write is under the store's lock, since the file itself must not break. Holds
 * lapse here too; nobody can wait, since nobody gives out what comes back.
 */
#ifndef SERVER_BOOKING_UNLOCKED_H
#define SERVER_BOOKING_UNLOCKED_H

#include "server/booking/batch.h"

/* Carries out what lies in this worker's own ring. False when the store failed. */
bool unlocked_serve(struct batcher *batcher);

#endif
