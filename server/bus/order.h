/*
 * order: which messages of the stream count, so that each machine hears each worker's lines in
 * their order and none twice, whatever becomes of connections, of processes and of the stream.
 *
 * A worker's lines have numbers without a gap. Published again they may come twice: then the first
 * counts. One may be lost and the next be there: then that comes too early, and does not count;
 * its machine sees the same and publishes anew from the one that is missing. Where the stream
 * itself has a hole (it keeps the last lines of a room only), numbers may be missing for good.
 *
 * What is known of each worker lies in shared memory (server/state/bus.h), written by the bus
 * process alone. It may be killed anywhere: the same message asked about again, with the same
 * sequence, has the same answer until order_note.
 */
#ifndef SERVER_BUS_ORDER_H
#define SERVER_BUS_ORDER_H

#include "server/bus/wire.h"
#include "server/state/bus.h"

enum order_verdict {
	ORDER_COUNTS,
	ORDER_REPEATED, /* it was there before */
	ORDER_EARLY     /* one before it is missing, and will come */
};

enum order_verdict order_judge(const struct bus *bus, const struct wire_head *head);

/* A message that counts is done with; it stood at SEQUENCE. */
void order_note(struct bus *bus, const struct wire_head *head, uint64_t sequence);

#endif
