#include "client/store/content.h"

#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"

#define SPACE_LEAST 256

/* ENTRIES of SIZE bytes with space for one more than COUNT; it has failed when there is none. */
static void *grown(struct content *content, void *entries, size_t size, size_t count, size_t *space)
{
	if (count < *space) {
		return entries;
	}
	size_t wanted = *space ? *space * 2 : SPACE_LEAST;
	void *more = reallocarray(entries, wanted, size);
	if (!more) {
		content->failed = true;
		return entries;
	}
	*space = wanted;
	return more;
}

static void note_event(void *context, const struct store_event *event)
{
	struct content *content = context;
	content->events = grown(content, content->events, sizeof(*event), content->event_count,
				&content->event_space);
	if (!content->failed) {
		content->events[content->event_count++] = *event;
	}
}

static void note_ticket(void *context, const struct store_ticket *ticket)
{
	struct content *content = context;
	content->tickets = grown(content, content->tickets, sizeof(*ticket), content->ticket_count,
				 &content->ticket_space);
	if (!content->failed) {
		content->tickets[content->ticket_count++] = *ticket;
	}
}

static void note_room(void *context, const struct store_room *room)
{
	struct content *content = context;
	content->rooms = grown(content, content->rooms, sizeof(*room), content->room_count,
			       &content->room_space);
	if (!content->failed) {
		content->rooms[content->room_count++] = *room;
	}
}

static void note_message(void *context, const struct store_message *message)
{
	struct content *content = context;
	char *text = malloc(message->length + 1);
	content->messages = grown(content, content->messages, sizeof(*content->messages),
				  content->message_count, &content->message_space);
	content->failed |= !text;
	if (content->failed) {
		free(text);
		return;
	}
	memcpy(text, message->text, message->length);
	struct content_message *copy = &content->messages[content->message_count++];
	*copy = (struct content_message){ .message = *message, .text = text };
	copy->message.text = text;
}

static void note_ban(void *context, const struct store_ban *ban)
{
	struct content *content = context;
	content->bans = grown(content, content->bans, sizeof(*ban), content->ban_count,
			      &content->ban_space);
	if (!content->failed) {
		content->bans[content->ban_count++] = *ban;
	}
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
	for (size_t i = 0; i < content->event_count; i++) {
		struct store_event event = content->events[i];
		if (store_event_add(store, &event) != STORE_OK) {
			return false;
		}
	}
	for (size_t i = 0; i < content->ticket_count; i++) {
		struct store_ticket ticket = content->tickets[i];
		if (store_ticket_add(store, &ticket) != STORE_OK) {
			return false;
		}
	}
	return true;
}

static bool add_chat(const struct content *content, struct store *store)
{
	for (size_t i = 0; i < content->room_count; i++) {
		if (store_room_put(store, &content->rooms[i], true) != STORE_OK) {
			return false;
		}
	}
	for (size_t i = 0; i < content->message_count; i++) {
		if (store_message_add(store, &content->messages[i].message) != STORE_OK) {
			return false;
		}
	}
	return true;
}

/* Those whose time is over go on the way. */
static bool add_bans(const struct content *content, struct store *store)
{
	for (size_t i = 0; i < content->ban_count; i++) {
		if (store_ban_put(store, &content->bans[i], clock_wall_ns()) != STORE_OK) {
			return false;
		}
	}
	return true;
}

enum store_result content_add(const struct content *content, struct store *store)
{
	bool good =
		add_sales(content, store) && add_chat(content, store) && add_bans(content, store);
	return good ? STORE_OK : STORE_FAILED;
}

void content_finish(struct content *content)
{
	for (size_t i = 0; i < content->message_count; i++) {
		free(content->messages[i].text);
	}
	free(content->events);
	free(content->tickets);
	free(content->rooms);
	free(content->messages);
	free(content->bans);
}
