/*
 * event_cache: the events that a transaction has looked at, so that each is read and written once
 * however many tickets it sells.
 *
 * Entries keep their address until the cache is emptied, which is at the begin of the next
 * transaction: after a commit they still say what it changed. Their memory is kept and used again.
 */
#ifndef DB_STORE_EVENT_CACHE_H
#define DB_STORE_EVENT_CACHE_H

#include "db/store/records.h"

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

/* Adds a copy of EVENT, which is not in it, and returns that; NULL when there is no memory. */
struct store_event *event_cache_add(struct event_cache *cache, const struct store_event *event);

/* Notes that the transaction changed an event that one of the above returned. */
void event_cache_change(struct store_event *event);

/* Calls WRITE for each event that was changed since it was last written, until one fails. */
enum store_result event_cache_write(struct event_cache *cache,
				    enum store_result (*write)(void *context,
							       const struct store_event *event),
				    void *context);

/* Calls SEE for each event that was changed. */
void event_cache_changed(const struct event_cache *cache, store_see_event *see, void *context);

void event_cache_empty(struct event_cache *cache);
void event_cache_finish(struct event_cache *cache);

#endif
