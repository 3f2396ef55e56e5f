#include "client/store/content.h"

#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"

#define SPACE_LEAST 256

/* Adds ENTRY of SIZE bytes, if there is memory. */
static void append(struct content *content, struct content_list *list, const void *entry,
		   size_t size)
{
	if (list->count == list->space) {
		size_t wanted = list->space ? list->space * 2 : SPACE_LEAST;
		void *more = reallocarray(list->entries, wanted, size);
		if (!more) {
			content->failed = true;
			return;
		}
		list->entries = more;
		list->space = wanted;
	}
	memcpy((char *)list->entries + list->count++ * size, entry, size);
}

static void note_event(void *context, const struct store_event *event)
{
	struct content *content = context;
	append(content, &content->events, event, sizeof(*event));
}

static void note_ticket(void *context, const struct store_ticket *ticket)
{
	struct content *content = context;
	append(content, &content->tickets, ticket, sizeof(*ticket));
}

static void note_room(void *context, const struct store_room *room)
{
	struct content *content = context;
	append(content, &content->rooms, room, sizeof(*room));
}

static void note_message(void *context, const struct store_message *message)
{
	struct content *content = context;
	struct content_message copy = { .message = *message, .text = malloc(message->length + 1) };
	const size_t before = content->messages.count;
	if (copy.text) {
		memcpy(copy.text, message->text, message->length);
		copy.message.text = copy.text;
		append(content, &content->messages, &copy, sizeof(copy));
	}
	if (content->messages.count == before) {
		content->failed = true;
		free(copy.text);
	}
}

static void note_ban(void *context, const struct store_ban *ban)
{
	struct content *content = context;
	append(content, &content->bans, ban, sizeof(*ban));
}

enum store_result content_read(struct content *content, struct store *store)
{
	bool good = store_event_each(store, note_event, content) == STORE_OK &&
		    store_ticket_each(store, note_ticket, content) == STORE_OK &&
		    store_room_each(store, note_room, content) == STORE_OK &&
		    store_message_each(store, note_message, content) == STORE_OK &&
		    store_ban_each(store, note_ban, content) == STORE_OK;
	return good ? STORE_OK : STORE_FAILED;
}

static bool add_sales(const struct content *content, struct store *store)
{
	const struct store_event *events = content->events.entries;
	const struct store_ticket *tickets = content->tickets.entries;
	bool good = true;

	for (size_t i = 0; good && i < content->events.count; i++) {
		struct store_event event = events[i];
		good = store_event_add(store, &event) == STORE_OK;
	}
	for (size_t i = 0; good && i < content->tickets.count; i++) {
		struct store_ticket ticket = tickets[i];
		good = store_ticket_add(store, &ticket) == STORE_OK;
	}
	return good;
}

/* Bans whose time is over are left out. */
static bool add_chat(const struct content *content, struct store *store)
{
	const struct store_room *rooms = content->rooms.entries;
	const struct content_message *messages = content->messages.entries;
	const struct store_ban *bans = content->bans.entries;
	bool good = true;

	for (size_t i = 0; good && i < content->rooms.count; i++) {
		good = store_room_put(store, &rooms[i], true) == STORE_OK;
	}
	for (size_t i = 0; good && i < content->messages.count; i++) {
		good = store_message_add(store, &messages[i].message) == STORE_OK;
	}
	for (size_t i = 0; good && i < content->bans.count; i++) {
		good = store_ban_put(store, &bans[i], clock_wall_ns()) == STORE_OK;
	}
	return good;
}

enum store_result content_add(const struct content *content, struct store *store)
{
	return add_sales(content, store) && add_chat(content, store) ? STORE_OK : STORE_FAILED;
}

void content_finish(struct content *content)
{
	struct content_message *messages = content->messages.entries;

	for (size_t i = 0; i < content->messages.count; i++) {
		free(messages[i].text);
	}
	free(content->events.entries);
	free(content->tickets.entries);
	free(content->rooms.entries);
	free(messages);
	free(content->bans.entries);
}
