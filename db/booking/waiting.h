/*
 * booking_waiting: the verbs of who waits: to ask for what comes back, and to leave.
 */
#ifndef DB_BOOKING_WAITING_H
#define DB_BOOKING_WAITING_H

#include "db/booking/request.h"

enum booking_outcome booking_waiting_begin(struct booking_work *work);
enum booking_outcome booking_waiting_release(struct booking_work *work);

#endif
