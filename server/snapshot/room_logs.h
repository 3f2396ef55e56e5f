/*
 * room_logs: of a snapshot, rooms with their logs, and how far everybody is in them.
 *
 * What writes the records of all of it, and what reads one of each kind (fields.h).
 */
#ifndef SERVER_SNAPSHOT_ROOM_LOGS_H
#define SERVER_SNAPSHOT_ROOM_LOGS_H

#include "server/snapshot/fields.h"

void rooms_write(struct shared_state *shared, struct records *records);
void room_restore(struct reading *reading, struct records *records);
void room_message_read(struct reading *reading, struct records *records);
void room_log_ends(struct reading *reading); /* no more of its messages come */

#endif
