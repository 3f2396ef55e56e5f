#include <stdlib.h>
#include <string.h>

#include "db/json/model.h"
#include "shared/base/siphash.h"

#define SIZE_LEAST 256

static size_t first_slot(const struct json_keys *keys, const char *key)
{
	return siphash(&keys->secret, key, strlen(key)) & (keys->size - 1);
}

static size_t next_slot(const struct json_keys *keys, size_t slot)
{
	return (slot + 1) & (keys->size - 1);
}

/* The table is never more than half full: there is always a free slot to end at. */
struct json_ticket *json_model_ticket_by_key(const struct json_model *model, const char *key)
{
	const struct json_keys *keys = &model->keys;
	if (keys->size == 0) {
		return NULL;
	}
	for (size_t slot = first_slot(keys, key); keys->slots[slot]; slot = next_slot(keys, slot)) {
		struct json_ticket *entry = json_model_ticket(model, keys->slots[slot]);
		if (entry && strcmp(entry->ticket.key, key) == 0) {
			return entry;
		}
	}
	return NULL;
}

/* An entry of that number is there already when a ticket with the same key was rolled back. */
static void enter(struct json_keys *keys, const struct store_ticket *ticket)
{
	size_t slot = first_slot(keys, ticket->key);
	while (keys->slots[slot] && keys->slots[slot] != ticket->number) {
		slot = next_slot(keys, slot);
	}
	keys->used += keys->slots[slot] == 0;
	keys->slots[slot] = (uint32_t)ticket->number;
}

/* Makes the table anew, with what is true alone, in a size that has room for as much again. */
static bool make_room(struct json_model *model)
{
	struct json_keys *keys = &model->keys;
	if (2 * (keys->used + 1) <= keys->size) {
		return true;
	}
	size_t size = SIZE_LEAST;
	while (size < 4 * (model->ticket_count + 1)) {
		size *= 2;
	}
	uint32_t *slots = calloc(size, sizeof *slots);
	if (!slots) {
		return false;
	}
	free(keys->slots);
	*keys = (struct json_keys){ .secret = keys->secret, .slots = slots, .size = size };
	for (size_t i = 0; i < model->ticket_count; i++) {
		if (model->tickets[i].ticket.key[0] != '\0') {
			enter(keys, &model->tickets[i].ticket);
		}
	}
	return true;
}

bool json_keys_add(struct json_model *model, const struct store_ticket *ticket)
{
	if (ticket->key[0] == '\0') {
		return true;
	}
	if (!make_room(model)) {
		return false;
	}
	enter(&model->keys, ticket);
	return true;
}
