/*
 * store_tickets: the stock and what is sold of it: events (a name, a total, what is sold and held)
 * and tickets (one a booking or hold, numbered from 1 on, never deleted).
 */
#ifndef DB_STORE_TICKETS_H
#define DB_STORE_TICKETS_H

#include "db/store/records.h"
#include "db/store/store.h"
#include "db/store/tallies.h"

/*
 * Events. Within a transaction: the event of that name or number, the store's to keep until the
 * transaction ends. What the caller changes in it (after store_event_change) is written at commit,
 * once, however many tickets were sold in between.
 */
enum store_result store_event_find(struct store *store, const char *name,
				   struct store_event **event);
enum store_result store_event_get(struct store *store, int64_t number, struct store_event **event);
void store_event_change(struct store *store, struct store_event *event);

/*
 * Adds an event whose name is new; its number is set. STORE_NONE: another machine has just made one
 * of that name.
 */
enum store_result store_event_add(struct store *store, struct store_event *event);

/* Calls SEE for each event in the order of their numbers; it must not change anything. */
enum store_result store_event_each(struct store *store, store_see_event *see, void *context);

/* Calls SEE for each event that the last committed transaction changed or added, as it is now. */
void store_events_changed(const struct store *store, store_see_event *see, void *context);

/* Whether there is room for a ticket more: without it, adding one fails the transaction. */
bool store_has_room(struct store *store);

/*
 * Tickets, within a transaction. store_ticket_change writes quantity, state, expires_ns and
 * admitted_ns.
 */
enum store_result store_ticket_add(struct store *store, struct store_ticket *ticket);
enum store_result store_ticket_get(struct store *store, int64_t number,
				   struct store_ticket *ticket);
enum store_result store_ticket_by_key(struct store *store, const char *key,
				      struct store_ticket *ticket);
enum store_result store_ticket_change(struct store *store, const struct store_ticket *ticket);

/* A salt for a new ticket's code. */
int64_t store_ticket_salt(struct store *store);

/* The held ticket whose hold ends first; STORE_NONE when nothing is held. */
enum store_result store_ticket_next_expiry(struct store *store, struct store_ticket *ticket);

/* A held ticket that is tied to a connection from LEAST to MOST; STORE_NONE when there is none. */
enum store_result store_ticket_tied(struct store *store, uint64_t least, uint64_t most,
				    struct store_ticket *ticket);

/* Calls SEE for each ticket in the order of their numbers; it must not change anything. */
enum store_result store_ticket_each(struct store *store, store_see_ticket *see, void *context);

/* Adds up the tickets themselves of TALLY's event, of which only the number is looked at. */
enum store_result store_event_count(struct store *store, struct tally *tally);

#endif
