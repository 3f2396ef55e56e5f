/*
 * booking_event: the verbs about an event as a whole: the operator's, and the audit.
 */
#ifndef DB_BOOKING_EVENT_H
#define DB_BOOKING_EVENT_H

#include "db/booking/request.h"

enum booking_outcome booking_event_new(struct booking_work *work);
enum booking_outcome booking_event_open(struct booking_work *work);
enum booking_outcome booking_event_close(struct booking_work *work);
enum booking_outcome booking_event_grow(struct booking_work *work);
enum booking_outcome booking_event_audit(struct booking_work *work);

#endif
