#include "db/json/json_store.h"

#include <string.h>

#include "db/json/record.h"

static enum store_result fail_memory(struct json_store *store)
{
	return store_fail(&store->base, "%s: out of memory", store->base.path);
}

/* Hands out a copy: what is in the model changes at commit. */
static enum store_result hand_out(struct json_store *store, const struct store_event *there,
				  struct store_event **event)
{
	if (!there) {
		return STORE_NONE;
	}
	struct cached_event *entry = event_cache_add(&store->events, there);
	if (!entry) {
		return fail_memory(store);
	}
	*event = &entry->event;
	return STORE_OK;
}

enum store_result json_event_find(struct store *base, const char *name, struct store_event **event)
{
	struct json_store *store = json_store_of(base);
	*event = event_cache_by_name(&store->events, name);
	if (*event) {
		return STORE_OK;
	}
	return hand_out(store, json_model_event_by_name(&store->model, name), event);
}

enum store_result json_event_get(struct store *base, int64_t number, struct store_event **event)
{
	struct json_store *store = json_store_of(base);
	*event = event_cache_by_number(&store->events, number);
	if (*event) {
		return STORE_OK;
	}
	return hand_out(store, json_model_event(&store->model, number), event);
}

void json_event_change(struct store *base, struct store_event *event)
{
	(void)base;
	event_cache_entry(event)->changed = true;
}

enum store_result json_event_add(struct store *base, struct store_event *event)
{
	struct json_store *store = json_store_of(base);
	if (store->model.event_count == JSON_EVENTS_MAX) {
		return store_fail(base, "%s: has %d events, and a JSON store has no room for more",
				  base->path, JSON_EVENTS_MAX);
	}
	if (json_model_event_by_name(&store->model, event->name)) {
		return store_fail(base, "%s: there is an event \"%s\" already", base->path,
				  event->name);
	}
	event->number = (int64_t)store->model.event_count + 1;
	struct cached_event *entry = event_cache_add(&store->events, event);
	if (!entry || !json_model_put_event(&store->model, event)) {
		return fail_memory(store);
	}
	entry->changed = true;
	return STORE_OK;
}

enum store_result json_event_each(struct store *base,
				  void (*see)(void *context, const struct store_event *event),
				  void *context)
{
	struct json_store *store = json_store_of(base);
	if (!base->within && json_store_follow(store) != STORE_OK) {
		return STORE_FAILED;
	}
	for (size_t i = 0; i < store->model.event_count; i++) {
		const struct store_event *cached =
			base->within ? event_cache_by_number(&store->events, (int64_t)i + 1) : NULL;
		see(context, cached ? cached : &store->model.events[i]);
	}
	return STORE_OK;
}

static bool counts_as_sold(const struct store_ticket *ticket)
{
	return ticket->state == TICKET_BOOKED || ticket->state == TICKET_ADMITTED;
}

enum store_result json_event_count(struct store *base, int64_t event, int64_t *sold, int64_t *held)
{
	const struct json_model *model = &json_store_of(base)->model;
	*sold = 0;
	*held = 0;
	for (size_t i = 0; i < model->ticket_count; i++) {
		const struct store_ticket *ticket = &model->tickets[i].ticket;
		if (ticket->event != event) {
			continue;
		}
		*sold += counts_as_sold(ticket) ? ticket->quantity : 0;
		*held += ticket->state == TICKET_HELD ? ticket->quantity : 0;
	}
	return STORE_OK;
}

void json_events_changed(const struct store *base,
			 void (*see)(void *context, const struct store_event *event), void *context)
{
	event_cache_changed(&((const struct json_store *)base)->events, see, context);
}

/* The last line of defence; the rules are booking.c's. */
static bool adds_up(const struct store_event *event)
{
	return event->sold >= 0 && event->held >= 0 && event->total <= STORE_TOTAL_MAX &&
	       event->sold <= event->total && event->held <= event->total - event->sold;
}

static enum store_result refuse(struct json_store *store, const struct store_event *event)
{
	return store_fail(&store->base,
			  "%s: event \"%s\" would have more sold and held than there are",
			  store->base.path, event->name);
}

enum store_result json_events_write(struct json_store *store)
{
	bool any = false;
	for (size_t i = 0; i < store->events.count; i++) {
		const struct cached_event *entry = store->events.entries[i];
		if (!entry->changed) {
			continue;
		}
		if (!adds_up(&entry->event)) {
			return refuse(store, &entry->event);
		}
		json_text_add(&store->text, "%s", any ? ", " : ", \"events\": [");
		json_record_event(&store->text, &entry->event);
		any = true;
	}
	if (any) {
		json_text_add(&store->text, "]");
	}
	return STORE_OK;
}

void json_events_keep(struct json_store *store)
{
	for (size_t i = 0; i < store->events.count; i++) {
		if (store->events.entries[i]->changed) {
			json_model_put_event(&store->model, &store->events.entries[i]->event);
		}
	}
}
