/*
 * booking_ticket: the verbs that make a ticket, and those that do something with a code.
 */
#ifndef DB_BOOKING_TICKET_H
#define DB_BOOKING_TICKET_H

#include "db/booking/request.h"

/* BOOKING_BOOK and _HOLD: as the work's kind says. */
enum booking_outcome booking_ticket_book(struct booking_work *work);

/* What is done with the work's ticket. */
enum booking_outcome booking_ticket_confirm(struct booking_work *work);
enum booking_outcome booking_ticket_cancel(struct booking_work *work);
enum booking_outcome booking_ticket_admit(struct booking_work *work);
enum booking_outcome booking_ticket_show(struct booking_work *work);

/* Writes what TICKET is to the answer. */
void booking_ticket_describe(struct booking_work *work, const struct store_ticket *ticket);

/* "booked", "held", "cancelled", "expired" or "admitted". */
const char *ticket_state_name(enum ticket_state state);

#endif
