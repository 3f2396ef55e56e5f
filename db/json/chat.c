#include "db/json/chat.h"

#include <stdlib.h>
#include <string.h>

#include "db/json/model.h"

static void finish_room(struct json_room *room)
{
	for (size_t i = 0; i < room->count; i++) {
		free(room->messages[i]);
	}
	free(room->messages);
}

void json_chat_finish(struct json_chat *chat)
{
	for (size_t i = 0; i < chat->room_count; i++) {
		finish_room(&chat->rooms[i]);
	}
	free(chat->rooms);
	free(chat->bans);
	*chat = (struct json_chat){ 0 };
}

/* Where the first room stands whose place is PLACE or beyond. */
static size_t find_room(const struct json_chat *chat, uint32_t place)
{
	size_t low = 0;
	size_t high = chat->room_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (chat->rooms[middle].label.place < place) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low;
}

/* Where the first message stands whose number is NUMBER or beyond. */
static size_t find_message(const struct json_room *room, uint64_t number)
{
	size_t low = 0;
	size_t high = room->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (room->messages[middle]->number < number) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low;
}

static struct json_room *room_at(const struct json_chat *chat, uint32_t place)
{
	size_t at = find_room(chat, place);
	bool there = at < chat->room_count && chat->rooms[at].label.place == place;
	return there ? &chat->rooms[at] : NULL;
}

const struct json_room *json_chat_room(const struct json_chat *chat, uint32_t place)
{
	return room_at(chat, place);
}

struct store_message json_chat_message(const struct json_room *room, size_t index)
{
	const struct json_message *message = room->messages[index];
	return (struct store_message){ .room = room->label.place,
				       .number = message->number,
				       .wall_ns = message->wall_ns,
				       .text = message->text,
				       .length = message->length };
}

/* The room at PLACE, made if it is not there; NULL when there is no memory. */
static struct json_room *make_room(struct json_chat *chat, uint32_t place)
{
	size_t at = find_room(chat, place);
	if (at < chat->room_count && chat->rooms[at].label.place == place) {
		return &chat->rooms[at];
	}
	struct json_room *rooms =
		json_grown(chat->rooms, sizeof *rooms, chat->room_count, &chat->room_space);
	if (!rooms) {
		return NULL;
	}
	chat->rooms = rooms;
	memmove(&rooms[at + 1], &rooms[at], (chat->room_count++ - at) * sizeof *rooms);
	rooms[at] = (struct json_room){ .label.place = place };
	return &rooms[at];
}

bool json_chat_put_room(struct json_chat *chat, const struct store_room *label)
{
	struct json_room *room = make_room(chat, label->place);
	if (!room) {
		return false;
	}
	room->label = *label;
	room->is_put = true;
	return true;
}

size_t json_chat_bytes(size_t length)
{
	return sizeof(struct json_message) + length;
}

static struct json_message *copy_of(const struct store_message *message)
{
	struct json_message *copy = malloc(json_chat_bytes(message->length));
	if (!copy) {
		return NULL;
	}
	copy->number = message->number;
	copy->wall_ns = message->wall_ns;
	copy->length = message->length;
	memcpy(copy->text, message->text, message->length);
	return copy;
}

static void drop(struct json_chat *chat, struct json_message *message)
{
	chat->bytes -= json_chat_bytes(message->length);
	chat->message_count--;
	free(message);
}

/* Puts it where its number belongs, in place of one of that number. */
static bool insert(struct json_chat *chat, struct json_room *room, struct json_message *message)
{
	size_t at = find_message(room, message->number);
	bool replaces = at < room->count && room->messages[at]->number == message->number;
	struct json_message **messages =
		json_grown(room->messages, sizeof *messages, room->count, &room->space);
	if (!messages) {
		return false;
	}
	room->messages = messages;
	if (replaces) {
		drop(chat, messages[at]);
	} else {
		memmove(&messages[at + 1], &messages[at], (room->count++ - at) * sizeof *messages);
	}
	messages[at] = message;
	chat->bytes += json_chat_bytes(message->length);
	chat->message_count++;
	return true;
}

bool json_chat_put_message(struct json_chat *chat, const struct store_message *message)
{
	struct json_room *room = make_room(chat, message->room);
	struct json_message *copy = room ? copy_of(message) : NULL;
	if (copy && insert(chat, room, copy)) {
		return true;
	}
	free(copy);
	return false;
}

void json_chat_forget(struct json_chat *chat, uint32_t place, uint64_t through)
{
	struct json_room *room = room_at(chat, place);
	size_t gone = 0;
	while (room && gone < room->count && room->messages[gone]->number <= through) {
		drop(chat, room->messages[gone++]);
	}
	if (gone == 0) {
		return;
	}
	room->count -= gone;
	memmove(room->messages, &room->messages[gone], room->count * sizeof *room->messages);
}

/* They are few: as many as operators have set. */
static size_t find_ban(const struct json_chat *chat, const char *address)
{
	size_t at = 0;
	while (at < chat->ban_count && strcmp(chat->bans[at].address, address) != 0) {
		at++;
	}
	return at;
}

bool json_chat_put_ban(struct json_chat *chat, const struct store_ban *ban)
{
	size_t at = find_ban(chat, ban->address);
	struct store_ban *bans =
		json_grown(chat->bans, sizeof *bans, chat->ban_count, &chat->ban_space);
	if (!bans) {
		return false;
	}
	chat->bans = bans;
	chat->ban_count += at == chat->ban_count;
	bans[at] = *ban;
	return true;
}

void json_chat_lift(struct json_chat *chat, const char *address)
{
	size_t at = find_ban(chat, address);
	if (at == chat->ban_count) {
		return;
	}
	chat->ban_count--;
	memmove(&chat->bans[at], &chat->bans[at + 1], (chat->ban_count - at) * sizeof *chat->bans);
}
