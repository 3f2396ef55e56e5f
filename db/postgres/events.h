/*
 * postgres_events: events in the database, as db/store/tickets.h means them. Whoever finds one
 * within a transaction has its row locked until the end: that is the turnstile between machines.
 */
#ifndef DB_POSTGRES_EVENTS_H
#define DB_POSTGRES_EVENTS_H

#include "db/postgres/handle.h"

/* The first journey: posts what locks the events of the needs, in the order of their numbers. */
bool postgres_events_post(struct postgres_store *store);
bool postgres_events_take(struct postgres_store *store);

enum store_result postgres_event_by_name(struct store *base, const char *name,
					 struct store_event *event);
enum store_result postgres_event_by_number(struct store *base, int64_t number,
					   struct store_event *event);
enum store_result postgres_event_add(struct store *base, struct store_event *event);
enum store_result postgres_event_write(struct store *base, const struct store_event *event);
enum store_result postgres_event_each(struct store *base, store_see_event *see, void *context);
enum store_result postgres_event_count(struct store *base, struct tally *tally);

#endif
