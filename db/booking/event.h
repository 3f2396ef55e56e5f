/*
 * booking_event: the verbs about an event as a whole: the operator's, and the audit.
 */
#ifndef DB_BOOKING_EVENT_H
#define DB_BOOKING_EVENT_H

#include "db/booking/request.h"
#include "db/store/tallies.h"

enum booking_outcome booking_event_new(struct booking_work *work);
enum booking_outcome booking_event_open(struct booking_work *work);
enum booking_outcome booking_event_close(struct booking_work *work);
enum booking_outcome booking_event_grow(struct booking_work *work);
enum booking_outcome booking_event_audit(struct booking_work *work);

/* The answer to an audit of an event that was counted elsewhere. */
void booking_event_audit_of(const struct tally *tally, struct booking_answer *answer);

#endif
