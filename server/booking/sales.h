/*
 * boxoffice_sales: tells the rooms of events what is left of them, when that changed: *sale.
 */
#ifndef SERVER_BOOKING_SALES_H
#define SERVER_BOOKING_SALES_H

struct worker;

/*
 * Sends the *sale lines that are due, to the rooms of all events whose stock changed; sets
 * worker->sale_at_ns if one is due later.
 */
void boxoffice_announce_sales(struct worker *worker);

#endif
