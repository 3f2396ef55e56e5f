/*
 * bookings: of a snapshot, the stock board, requests, offers, who waits, who has what, who was
 * refused.
 *
 * What writes the records of all of it, and what reads one of each kind (fields.h).
 */
#ifndef SERVER_SNAPSHOT_BOOKINGS_H
#define SERVER_SNAPSHOT_BOOKINGS_H

#include "server/snapshot/fields.h"

bool bookings_are_settled(const struct shared_state *shared);
void bookings_write(struct shared_state *shared, struct records *records);
void event_read(struct reading *reading, struct records *records);
void queue_read(struct reading *reading, struct records *records);
void ring_read(struct reading *reading, struct records *records);
void request_read(struct reading *reading, struct records *records);
void offer_read(struct reading *reading, struct records *records);
void unreleased_read(struct reading *reading, struct records *records);
void waiter_read(struct reading *reading, struct records *records);
void claim_read(struct reading *reading, struct records *records);
void refusals_read(struct reading *reading, struct records *records);
void bookings_complete(struct reading *reading); /* all of their records are read */

#endif
