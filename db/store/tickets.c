#include "db/store/tickets.h"

#include "db/store/kind.h"

/* Keeps what was found for the rest of the transaction. */
static enum store_result keep(struct store *store, enum store_result result,
			      const struct store_event *found, struct store_event **event)
{
	if (result != STORE_OK) {
		return store_noted(store, result);
	}
	*event = event_cache_add(&store->events, found);
	return *event ? STORE_OK
		      : store_noted(store, store_fail(store, "%s: out of memory", store->path));
}

enum store_result store_event_find(struct store *store, const char *name,
				   struct store_event **event)
{
	struct store_event found;
	store_must_be_within(store);
	*event = event_cache_by_name(&store->events, name);
	return *event ? STORE_OK
		      : keep(store, store->kind->event_by_name(store, name, &found), &found, event);
}

enum store_result store_event_get(struct store *store, int64_t number, struct store_event **event)
{
	struct store_event found;
	store_must_be_within(store);
	*event = event_cache_by_number(&store->events, number);
	return *event ? STORE_OK
		      : keep(store, store->kind->event_by_number(store, number, &found), &found,
			     event);
}

void store_event_change(struct store *store, struct store_event *event)
{
	store_changes(store);
	event_cache_change(event);
}

enum store_result store_event_add(struct store *store, struct store_event *event)
{
	struct store_event *kept = NULL;
	store_changes(store);
	enum store_result result = keep(store, store->kind->event_add(store, event), event, &kept);
	if (kept) {
		event_cache_change(kept);
	}
	return result;
}

enum store_result store_event_each(struct store *store, store_see_event *see, void *context)
{
	store_must_be_taken(store);
	if (store->within && store_write_events(store) != STORE_OK) {
		return STORE_FAILED;
	}
	return store_noted(store, store->kind->event_each(store, see, context));
}

void store_events_changed(const struct store *store, store_see_event *see, void *context)
{
	event_cache_changed(&store->events, see, context);
}

bool store_has_room(struct store *store)
{
	store_must_be_within(store);
	return !store->kind->has_room || store->kind->has_room(store);
}

enum store_result store_ticket_add(struct store *store, struct store_ticket *ticket)
{
	store_changes(store);
	return store_noted(store, store->kind->ticket_add(store, ticket));
}

enum store_result store_ticket_get(struct store *store, int64_t number, struct store_ticket *ticket)
{
	store_must_be_within(store);
	return store_noted(store, store->kind->ticket_get(store, number, ticket));
}

enum store_result store_ticket_by_key(struct store *store, const char *key,
				      struct store_ticket *ticket)
{
	store_must_be_within(store);
	return store_noted(store, store->kind->ticket_by_key(store, key, ticket));
}

enum store_result store_ticket_change(struct store *store, const struct store_ticket *ticket)
{
	store_changes(store);
	return store_noted(store, store->kind->ticket_change(store, ticket));
}

enum store_result store_ticket_next_expiry(struct store *store, struct store_ticket *ticket)
{
	store_must_be_within(store);
	return store_noted(store, store->kind->ticket_next_expiry(store, ticket));
}

enum store_result store_ticket_tied(struct store *store, uint64_t least, uint64_t most,
				    struct store_ticket *ticket)
{
	store_must_be_within(store);
	return store_noted(store, store->kind->ticket_tied(store, least, most, ticket));
}

enum store_result store_ticket_each(struct store *store, store_see_ticket *see, void *context)
{
	return store_noted(store, store->kind->ticket_each(store, see, context));
}

enum store_result store_event_count(struct store *store, struct tally *tally)
{
	store_must_be_within(store);
	return store_noted(store, store->kind->event_count(store, tally));
}

int64_t store_ticket_salt(struct store *store)
{
	return code_salt_next(&store->salts);
}
