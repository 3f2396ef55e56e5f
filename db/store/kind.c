#include "db/store/kind.h"

#include <stdarg.h>
#include <stdio.h>

#include "shared/base/log.h"

enum store_result store_fail(struct store *store, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(store->error, sizeof(store->error), format, arguments);
	va_end(arguments);
	return STORE_FAILED;
}

bool store_refuse(char *error, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(error, STORE_ERROR_SIZE, format, arguments);
	va_end(arguments);
	return false;
}

void store_must_be_taken(const struct store *store)
{
	if (!store->taken) {
		bug("%s: used without its lock", store->path);
	}
}

void store_must_be_within(const struct store *store)
{
	if (!store->within) {
		bug("%s: used outside a transaction", store->path);
	}
}

void store_changes(struct store *store)
{
	store_must_be_within(store);
	store->changed = true;
}

/* Notes a failure: what comes after it must not be taken for the truth. */
enum store_result store_noted(struct store *store, enum store_result result)
{
	store->broken |= result == STORE_FAILED;
	return result;
}

/* The last line of defence; the rules are in db/booking. */
static bool adds_up(const struct store_event *event)
{
	return event->sold >= 0 && event->held >= 0 && event->total <= STORE_TOTAL_MAX &&
	       event->sold <= event->total && event->held <= event->total - event->sold;
}

static enum store_result write_event(void *context, const struct store_event *event)
{
	struct store *store = context;
	if (!adds_up(event)) {
		return store_fail(store,
				  "%s: event \"%s\" would have more sold and held than there are",
				  store->path, event->name);
	}
	return store->kind->event_write(store, event);
}

enum store_result store_write_events(struct store *store)
{
	return store_noted(store, event_cache_write(&store->events, write_event, store));
}
