/*
 * people: of a snapshot, who is connected: seats and streams, what workers had in hand, letters.
 *
 * What writes the records of all of it, and what reads one of each kind (fields.h).
 */
#ifndef SERVER_SNAPSHOT_PEOPLE_H
#define SERVER_SNAPSHOT_PEOPLE_H

#include "server/snapshot/fields.h"

void people_write(struct shared_state *shared, struct records *records);
void hand_read(struct reading *reading, struct records *records);
void seat_restore(struct reading *reading, struct records *records);
void stream_read(struct reading *reading, struct records *records);
void letter_read(struct reading *reading, struct records *records);

#endif
