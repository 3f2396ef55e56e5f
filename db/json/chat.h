/*
 * json_chat: what a JSON store keeps of chat, in memory: rooms by their places, each with what was
 * said there by number, and bans.
 *
 * It is part of the model (json_model.h) and knows no file. A transaction changes it right away;
 * one that is rolled back has the model read anew from the files, which is as rare as a failing
 * disk.
 */
#ifndef DB_JSON_CHAT_H
#define DB_JSON_CHAT_H

#include "db/store/store.h"

/* All messages, as json_chat_bytes counts them: every process has them in memory. */
#define JSON_CHAT_BYTES_MAX ((size_t)16 << 20)

struct json_message {
	uint64_t number;
	int64_t wall_ns;
	size_t length;
	char text[]; /* LENGTH bytes, no NUL */
};

struct json_room {
	struct store_room label;
	bool is_put;                    /* or there are only messages at its place */
	struct json_message **messages; /* in the order of their numbers */
	size_t count;
	size_t space; /* of the array */
};

struct json_chat {
	struct json_room *rooms; /* in the order of their places */
	size_t room_count;
	size_t room_space;
	struct store_ban *bans;
	size_t ban_count;
	size_t ban_space;
	size_t message_count; /* of all rooms, as in the next */
	size_t bytes;
};

void json_chat_finish(struct json_chat *chat);

/* NULL when nothing is known of that place. */
const struct json_room *json_chat_room(const struct json_chat *chat, uint32_t place);

/* The message that is at INDEX in its room; its text is good until the next change. */
struct store_message json_chat_message(const struct json_room *room, size_t index);

/* What a message of LENGTH bytes takes. */
size_t json_chat_bytes(size_t length);

/* False when there is no memory, and nothing has changed. What is there already is replaced. */
bool json_chat_put_room(struct json_chat *chat, const struct store_room *room);
bool json_chat_put_message(struct json_chat *chat, const struct store_message *message);
bool json_chat_put_ban(struct json_chat *chat, const struct store_ban *ban);

/* Forgets the messages of a room up to the number THROUGH. */
void json_chat_forget(struct json_chat *chat, uint32_t place, uint64_t through);

/* Forgets a ban. */
void json_chat_lift(struct json_chat *chat, const char *address);

#endif
