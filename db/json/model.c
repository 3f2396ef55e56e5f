#include "db/json/model.h"

#include <stdlib.h>
#include <string.h>

#include "shared/base/siphash.h"

#define ROOM_LEAST 64

void json_model_init(struct json_model *model)
{
	memset(model, 0, sizeof *model);
	siphash_key_make(&model->keys.secret);
}

void json_model_finish(struct json_model *model)
{
	free(model->events);
	free(model->tickets);
	free(model->holds.numbers);
	free(model->keys.slots);
	json_chat_finish(&model->chat);
	memset(model, 0, sizeof *model);
}

struct store_event *json_model_event(const struct json_model *model, int64_t number)
{
	bool there = number > 0 && (uint64_t)number <= model->event_count;
	return there ? &model->events[number - 1] : NULL;
}

struct store_event *json_model_event_by_name(const struct json_model *model, const char *name)
{
	for (size_t i = 0; i < model->event_count; i++) {
		if (strcmp(model->events[i].name, name) == 0) {
			return &model->events[i];
		}
	}
	return NULL;
}

struct json_ticket *json_model_ticket(const struct json_model *model, int64_t number)
{
	bool there = number > 0 && (uint64_t)number <= model->ticket_count;
	return there ? &model->tickets[number - 1] : NULL;
}

void *json_grown(void *entries, size_t size, size_t count, size_t *room)
{
	if (count < *room) {
		return entries;
	}
	size_t wanted = *room ? *room * 2 : ROOM_LEAST;
	void *more = reallocarray(entries, wanted, size);
	if (more) {
		*room = wanted;
	}
	return more;
}

bool json_model_put_event(struct json_model *model, const struct store_event *event)
{
	struct store_event *there = json_model_event(model, event->number);
	if (there) {
		*there = *event;
		return true;
	}
	struct store_event *events =
		json_grown(model->events, sizeof *events, model->event_count, &model->event_room);
	if (!events) {
		return false;
	}
	model->events = events;
	events[model->event_count++] = *event;
	return true;
}

static bool add_ticket(struct json_model *model, const struct store_ticket *ticket)
{
	struct json_ticket *tickets = json_grown(model->tickets, sizeof *tickets,
						 model->ticket_count, &model->ticket_room);
	if (!tickets) {
		return false;
	}
	model->tickets = tickets;
	struct json_ticket *entry = &tickets[model->ticket_count++];
	*entry = (struct json_ticket){ .ticket = *ticket };
	if (json_keys_add(model, ticket) && json_holds_update(model, entry)) {
		return true;
	}
	model->ticket_count--;
	return false;
}

bool json_model_put_ticket(struct json_model *model, const struct store_ticket *ticket)
{
	struct json_ticket *entry = json_model_ticket(model, ticket->number);
	if (!entry) {
		return add_ticket(model, ticket);
	}
	entry->ticket = *ticket;
	return json_holds_update(model, entry);
}

void json_model_cut_tickets(struct json_model *model, size_t number)
{
	for (size_t last = model->ticket_count; last > number; last--) {
		json_holds_remove(model, &model->tickets[last - 1]);
	}
	if (model->ticket_count > number) {
		model->ticket_count = number;
	}
}

/* Takes the entry at PLACE out, and closes the gap. */
static void remove_batch(struct json_batches *batches, size_t place)
{
	batches->count--;
	memmove(&batches->list[place], &batches->list[place + 1],
		(batches->count - place) * sizeof *batches->list);
}

void json_batches_mark(struct json_batches *batches, int64_t server, int64_t batch)
{
	size_t place = 0;
	while (place < batches->count && batches->list[place].server != server) {
		place++;
	}
	if (place < batches->count) {
		remove_batch(batches, place);
	} else if (batches->count == JSON_BATCHES_MAX) {
		remove_batch(batches, 0);
	}
	batches->list[batches->count++] = (struct json_batch){ server, batch, true };
}
