/*
 * bus_lines: the part of a snapshot that is about the bus: where in the stream of all machines this
 * one is, and what it has not said there yet.
 */
#ifndef SERVER_SNAPSHOT_BUS_LINES_H
#define SERVER_SNAPSHOT_BUS_LINES_H

#include "server/snapshot/fields.h"

/* Nothing where there is no bus. */
void bus_write(struct shared_state *shared, struct records *records);

/* A record each. Where there is no bus any more, they are passed over. */
void bus_read(struct reading *reading, struct records *records);
void bus_source_read(struct reading *reading, struct records *records);
void bus_outbox_read(struct reading *reading, struct records *records);
void bus_line_read(struct reading *reading, struct records *records);

#endif
