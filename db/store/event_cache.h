/*
 * event_cache: the events that a transaction has looked at, so that each is read and written once
 * however many tickets it sells.
 *
 * Entries keep their address until the cache is emptied, which is at the begin of the next
 * transaction: after a commit they still say what it changed. Their memory is kept and used again.
 * For use by the kinds of store.
 */
#ifndef DB_STORE_EVENT_CACHE_H
#define DB_STORE_EVENT_CACHE_H

#include "db/store/store.h"

struct cached_event {
	struct store_event event; /* first: callers hold pointers to it */
	bool changed;             /* by this transaction */
	bool unwritten;           /* changed, and the store does not know yet */
};

struct event_cache {
	struct cached_event **entries;
	size_t count; /* in use */
	size_t made;  /* allocated, `count` or more */
	size_t room;  /* of the array */
};

struct store_event *event_cache_by_name(const struct event_cache *cache, const char *name);
struct store_event *event_cache_by_number(const struct event_cache *cache, int64_t number);

/* Adds a copy of EVENT, which is not in it, and returns it; NULL when there is no memory. */
struct cached_event *event_cache_add(struct event_cache *cache, const struct store_event *event);

/* The entry of an event that one of the above returned. */
struct cached_event *event_cache_entry(struct store_event *event);

/* Calls SEE for each event that was changed. */
void event_cache_changed(const struct event_cache *cache,
			 void (*see)(void *context, const struct store_event *event),
			 void *context);

void event_cache_empty(struct event_cache *cache);
void event_cache_finish(struct event_cache *cache);

#endif
