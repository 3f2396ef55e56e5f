/*
 * identity: of a snapshot, the server itself: the numbers by which it is known, and what its
 * workers counted.
 *
 * What writes the records of all of it, and what reads one of each kind (fields.h).
 */
#ifndef SERVER_SNAPSHOT_IDENTITY_H
#define SERVER_SNAPSHOT_IDENTITY_H

#include "server/snapshot/fields.h"

void server_write(struct shared_state *shared, struct records *records);
void server_read(struct reading *reading, struct records *records);
void worker_read(struct reading *reading, struct records *records);

#endif
