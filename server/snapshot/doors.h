/*
 * doors: of a snapshot, who may not come in or speak, and who signed in.
 *
 * What writes the records of all of it, and what reads one of each kind (fields.h).
 */
#ifndef SERVER_SNAPSHOT_DOORS_H
#define SERVER_SNAPSHOT_DOORS_H

#include "server/snapshot/fields.h"

void doors_write(struct shared_state *shared, struct records *records);
void ban_read(struct reading *reading, struct records *records);
void guesses_read(struct reading *reading, struct records *records);
void mute_read(struct reading *reading, struct records *records);
void login_read(struct reading *reading, struct records *records);

#endif
