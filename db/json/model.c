#include "db/json/model.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

struct json_model *json_model_create(void)
{
	return calloc(1, sizeof(struct json_model));
}

static void leave(void *key)
{
	(void)key; /* it is part of its ticket */
}

/* The text is ours: what others see of it is constant. */
static void free_text(const struct store_message *message)
{
	char *text;
	memcpy(&text, &message->text, sizeof(text));
	free(text);
}

void json_model_destroy(struct json_model *model)
{
	if (!model) {
		return;
	}
	tdestroy(model->keys, leave);
	for (size_t i = 0; i < model->message_count; i++) {
		free_text(&model->messages[i]);
	}
	free(model);
}

/* Moves what is from FROM on in a table of COUNT entries to TO, where entries come or go. */
static void shift(void *table, size_t size, size_t count, size_t from, size_t to)
{
	memmove((char *)table + to * size, (char *)table + from * size, (count - from) * size);
}

/* Events and tickets */

struct store_event *json_model_event(struct json_model *model, int64_t number)
{
	bool there = number > 0 && (uint64_t)number <= model->event_count;
	return there ? &model->events[number - 1] : NULL;
}

struct store_event *json_model_event_by_name(struct json_model *model, const char *name)
{
	for (size_t i = 0; i < model->event_count; i++) {
		if (strcmp(model->events[i].name, name) == 0) {
			return &model->events[i];
		}
	}
	return NULL;
}

bool json_model_put_event(struct json_model *model, const struct store_event *event)
{
	struct store_event *there = json_model_event(model, event->number);
	if (!there && model->event_count == JSON_EVENTS_MAX) {
		return false;
	}
	*(there ? there : &model->events[model->event_count++]) = *event;
	return true;
}

struct store_ticket *json_model_ticket(struct json_model *model, int64_t number)
{
	bool there = number > 0 && (uint64_t)number <= model->ticket_count;
	return there ? &model->tickets[number - 1] : NULL;
}

/* The tree's nodes begin with a pointer to the key, which is the ticket's own. */
static struct store_ticket *ticket_of(void *node)
{
	char *key = *(char **)node;
	return (struct store_ticket *)(void *)(key - offsetof(struct store_ticket, key));
}

static int compare_keys(const void *one, const void *other)
{
	return strcmp(one, other);
}

struct store_ticket *json_model_ticket_by_key(struct json_model *model, const char *key)
{
	void *node = tfind(key, &model->keys, compare_keys);
	return node ? ticket_of(node) : NULL;
}

bool json_model_add_ticket(struct json_model *model, const struct store_ticket *ticket)
{
	struct store_ticket *entry = &model->tickets[model->ticket_count];
	if (model->ticket_count == JSON_TICKETS_READ_MAX) {
		return false;
	}
	*entry = *ticket;
	if (entry->key[0] != '\0' && !tsearch(entry->key, &model->keys, compare_keys)) {
		return false;
	}
	model->ticket_count++;
	return true;
}

struct store_ticket *json_model_first_held(struct json_model *model, bool by_tie, uint64_t least,
					   uint64_t most)
{
	struct store_ticket *first = NULL;
	for (size_t i = 0; i < model->ticket_count; i++) {
		struct store_ticket *ticket = &model->tickets[i];
		uint64_t value = by_tie ? ticket->tied : (uint64_t)ticket->expires_ns;
		if (ticket->state == TICKET_HELD && value >= least && value <= most) {
			first = ticket;
			most = value - (value > 0);
		}
	}
	return first;
}

/* Chat */

/* Where the one of COUNT entries stands that begins with KEY; COUNT if there is none. */
static size_t find(const void *table, size_t size, size_t count, const void *key, size_t length)
{
	size_t at = 0;
	while (at < count && memcmp((const char *)table + at * size, key, length) != 0) {
		at++;
	}
	return at;
}

/* Puts ENTRY at AT, where COUNT of MOST at most are; false when there is no room. */
static bool put(void *table, size_t size, size_t *count, size_t most, size_t at, const void *entry)
{
	if (at == most) {
		return false;
	}
	*count += at == *count;
	memcpy((char *)table + at * size, entry, size);
	return true;
}

static size_t find_room(const struct json_model *model, uint32_t place)
{
	return find(model->rooms, sizeof(*model->rooms), model->room_count, &place, sizeof(place));
}

struct store_room *json_model_room(struct json_model *model, uint32_t place)
{
	size_t at = find_room(model, place);
	return at < model->room_count ? &model->rooms[at] : NULL;
}

bool json_model_put_room(struct json_model *model, const struct store_room *room)
{
	size_t before = model->room_count;
	size_t at = find_room(model, room->place);
	if (!put(model->rooms, sizeof(*room), &model->room_count, JSON_ROOMS_MAX, at, room)) {
		return false;
	}
	for (; at == before && at > 0 && model->rooms[at - 1].place > room->place; before--, at--) {
		model->rooms[at] = model->rooms[at - 1];
		model->rooms[at - 1] = *room;
	}
	return true;
}

static bool is_before(const struct store_message *message, uint32_t room, uint64_t number)
{
	return message->room != room ? message->room < room : message->number < number;
}

/* Where the first message stands that is NUMBER of ROOM or beyond. */
static size_t find_message(const struct json_model *model, uint32_t room, uint64_t number)
{
	size_t low = 0;
	size_t high = model->message_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (is_before(&model->messages[middle], room, number)) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low;
}

bool json_model_has_message(const struct json_model *model, uint32_t room, uint64_t number)
{
	size_t at = find_message(model, room, number);
	return at < model->message_count && model->messages[at].room == room &&
	       model->messages[at].number == number;
}

size_t json_chat_bytes(size_t length)
{
	return JSON_MESSAGE_BYTES + length;
}

/* Takes COUNT messages out, from the one at FIRST on. */
static void drop_messages(struct json_model *model, size_t first, size_t count)
{
	for (size_t i = first; i < first + count; i++) {
		model->chat_bytes -= json_chat_bytes(model->messages[i].length);
		free_text(&model->messages[i]);
	}
	shift(model->messages, sizeof(*model->messages), model->message_count, first + count,
	      first);
	model->message_count -= count;
}

void json_model_trim(struct json_model *model, uint32_t room, size_t keep)
{
	size_t first = find_message(model, room, 0);
	size_t count = find_message(model, room, UINT64_MAX) - first;
	if (count > keep) {
		drop_messages(model, first, count - keep);
	}
}

static bool make_space(struct json_model *model, uint32_t room, size_t needed)
{
	while (model->chat_bytes + needed > JSON_CHAT_BYTES_MAX) {
		size_t oldest = find_message(model, room, 0);
		if (oldest == model->message_count || model->messages[oldest].room != room) {
			return false;
		}
		drop_messages(model, oldest, 1);
		model->dropped++;
	}
	return true;
}

bool json_model_put_message(struct json_model *model, const struct store_message *message)
{
	char *text = malloc(message->length + 1);
	if (!text) {
		return false;
	}
	if (json_model_has_message(model, message->room, message->number)) {
		drop_messages(model, find_message(model, message->room, message->number), 1);
	}
	if (!make_space(model, message->room, json_chat_bytes(message->length))) {
		free(text);
		model->dropped++;
		return true;
	}
	memcpy(text, message->text, message->length);
	size_t at = find_message(model, message->room, message->number);
	shift(model->messages, sizeof(*message), model->message_count++, at, at + 1);
	model->messages[at] = *message;
	model->messages[at].text = text;
	model->chat_bytes += json_chat_bytes(message->length);
	return true;
}

bool json_model_put_ban(struct json_model *model, const struct store_ban *ban)
{
	size_t at = find(model->bans, sizeof(*ban), model->ban_count, ban->address,
			 strlen(ban->address) + 1);
	return put(model->bans, sizeof(*ban), &model->ban_count, JSON_BANS_MAX, at, ban);
}

void json_model_lift_over(struct json_model *model, int64_t wall_ns)
{
	for (size_t i = model->ban_count; i > 0; i--) {
		if (model->bans[i - 1].until_ns <= wall_ns) {
			shift(model->bans, sizeof(*model->bans), model->ban_count--, i, i - 1);
		}
	}
}

/* Batches */

static size_t find_batch(const struct json_model *model, int64_t server)
{
	return find(model->batches, sizeof(*model->batches), model->batch_count, &server,
		    sizeof(server));
}

int64_t json_model_batch(const struct json_model *model, int64_t server)
{
	size_t at = find_batch(model, server);
	return at < model->batch_count ? model->batches[at].batch : 0;
}

void json_model_mark_batch(struct json_model *model, const struct json_batch *batch)
{
	size_t at = find_batch(model, batch->server);
	if (at < model->batch_count || at == JSON_BATCHES_MAX) {
		size_t gone = at < model->batch_count ? at : 0;
		shift(model->batches, sizeof(*batch), model->batch_count--, gone + 1, gone);
	}
	model->batches[model->batch_count++] = *batch;
}
