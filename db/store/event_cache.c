/*
 * Searched from front to end: a batch has few events, and where it has many, reading each of them
 * from the store costs far more than the search.
 */
#include "db/store/event_cache.h"

#include <stdlib.h>
#include <string.h>

#define ROOM_LEAST 16

struct store_event *event_cache_by_name(const struct event_cache *cache, const char *name)
{
	for (size_t i = 0; i < cache->count; i++) {
		if (strcmp(cache->entries[i]->event.name, name) == 0) {
			return &cache->entries[i]->event;
		}
	}
	return NULL;
}

struct store_event *event_cache_by_number(const struct event_cache *cache, int64_t number)
{
	for (size_t i = 0; i < cache->count; i++) {
		if (cache->entries[i]->event.number == number) {
			return &cache->entries[i]->event;
		}
	}
	return NULL;
}

static bool make_room(struct event_cache *cache)
{
	if (cache->made < cache->room) {
		return true;
	}
	size_t room = cache->room ? cache->room * 2 : ROOM_LEAST;
	struct cached_event **entries =
		reallocarray(cache->entries, room, sizeof(struct cached_event *));
	if (!entries) {
		return false;
	}
	cache->entries = entries;
	cache->room = room;
	return true;
}

static bool make_entry(struct event_cache *cache)
{
	if (cache->count < cache->made) {
		return true;
	}
	struct cached_event *entry = make_room(cache) ? malloc(sizeof(*entry)) : NULL;
	if (!entry) {
		return false;
	}
	cache->entries[cache->made++] = entry;
	return true;
}

struct store_event *event_cache_add(struct event_cache *cache, const struct store_event *event)
{
	if (!make_entry(cache)) {
		return NULL;
	}
	struct cached_event *entry = cache->entries[cache->count++];
	*entry = (struct cached_event){ .event = *event };
	return &entry->event;
}

void event_cache_change(struct store_event *event)
{
	struct cached_event *entry = (struct cached_event *)event;
	entry->changed = true;
	entry->unwritten = true;
}

enum store_result event_cache_write(struct event_cache *cache,
				    enum store_result (*write)(void *context,
							       const struct store_event *event),
				    void *context)
{
	for (size_t i = 0; i < cache->count; i++) {
		struct cached_event *entry = cache->entries[i];
		if (entry->unwritten && write(context, &entry->event) != STORE_OK) {
			return STORE_FAILED;
		}
		entry->unwritten = false;
	}
	return STORE_OK;
}

void event_cache_changed(const struct event_cache *cache, store_see_event *see, void *context)
{
	for (size_t i = 0; i < cache->count; i++) {
		if (cache->entries[i]->changed) {
			see(context, &cache->entries[i]->event);
		}
	}
}

void event_cache_empty(struct event_cache *cache)
{
	cache->count = 0;
}

void event_cache_finish(struct event_cache *cache)
{
	for (size_t i = 0; i < cache->made; i++) {
		free(cache->entries[i]);
	}
	free(cache->entries);
	*cache = (struct event_cache){ 0 };
}
