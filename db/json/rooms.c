/*
 * Each change is made in the model and noted in store->chat at once, as an element of the list that
 * the journal's line will have; what changes nothing is not noted. A trim and a fresh start are
 * noted as what they forget, so that reading needs no rules.
 */
#include "db/json/json_store.h"

#include <inttypes.h>
#include <string.h>

#include "db/json/record.h"

static enum store_result fail_memory(struct json_store *store)
{
	return store_fail(&store->base, "%s: out of memory", store->base.path);
}

/* Begins an element. */
static struct json_text *element(struct json_store *store, const char *name)
{
	json_text_add(&store->chat, "%s{\"%s\": ", store->chat.length > 0 ? ", " : "", name);
	return &store->chat;
}

static enum store_result end_element(struct json_store *store)
{
	json_text_add(&store->chat, "}");
	if (!store->chat.failed) {
		return STORE_OK;
	}
	return store_fail(&store->base, "%s: out of memory, or a text that is not UTF-8",
			  store->base.path);
}

static enum store_result forget(struct json_store *store, uint32_t place, uint64_t through)
{
	json_record_forget(element(store, "forget"), place, through);
	json_chat_forget(&store->model.chat, place, through);
	return end_element(store);
}

enum store_result json_messages_trim(struct store *base, uint32_t place, unsigned keep)
{
	struct json_store *store = json_store_of(base);
	const struct json_room *room = json_chat_room(&store->model.chat, place);
	if (!room || room->count <= keep) {
		return STORE_OK;
	}
	return forget(store, place, room->messages[room->count - keep - 1]->number);
}

static bool is_same(const struct json_room *there, const struct store_room *room)
{
	return there && there->is_put && strcmp(there->label.name, room->name) == 0 &&
	       strcmp(there->label.topic, room->topic) == 0;
}

enum store_result json_room_put(struct store *base, const struct store_room *room, bool fresh)
{
	struct json_store *store = json_store_of(base);
	if (fresh && json_messages_trim(base, room->place, 0) != STORE_OK) {
		return STORE_FAILED;
	}
	if (is_same(json_chat_room(&store->model.chat, room->place), room)) {
		return STORE_OK;
	}
	json_record_room(element(store, "room"), room);
	if (!json_chat_put_room(&store->model.chat, room)) {
		return fail_memory(store);
	}
	return end_element(store);
}

/*
 * When chat has all the memory that it may have, a room gives up its oldest messages for a new one:
 * chat must never be the reason why a sale fails. Says whether the new one is to be kept.
 */
static bool make_space(struct json_store *store, const struct store_message *message)
{
	const struct json_chat *chat = &store->model.chat;
	size_t needed = json_chat_bytes(message->length);
	const struct json_room *room = json_chat_room(chat, message->room);
	while (chat->bytes + needed > JSON_CHAT_BYTES_MAX) {
		if (!room || room->count == 0 ||
		    forget(store, message->room, room->messages[0]->number) != STORE_OK) {
			return false;
		}
	}
	return true;
}

enum store_result json_message_add(struct store *base, const struct store_message *message)
{
	struct json_store *store = json_store_of(base);
	if (message->number > INT64_MAX) {
		return store_fail(base, "%s: a message's number is out of range", base->path);
	}
	if (!make_space(store, message)) {
		return store->chat.failed ? STORE_FAILED : STORE_OK;
	}
	json_record_message(element(store, "message"), message);
	if (!json_chat_put_message(&store->model.chat, message)) {
		return fail_memory(store);
	}
	return end_element(store);
}

static enum store_result lift(struct json_store *store, const struct store_ban *ban)
{
	struct store_ban gone = *ban;
	json_record_address(element(store, "lift"), gone.address);
	json_chat_lift(&store->model.chat, gone.address);
	return end_element(store);
}

static enum store_result lift_those_over(struct json_store *store, int64_t wall_ns)
{
	const struct json_chat *chat = &store->model.chat;
	for (size_t i = chat->ban_count; i > 0; i--) {
		if (chat->bans[i - 1].until_ns <= wall_ns &&
		    lift(store, &chat->bans[i - 1]) != STORE_OK) {
			return STORE_FAILED;
		}
	}
	return STORE_OK;
}

enum store_result json_ban_put(struct store *base, const struct store_ban *ban, int64_t wall_ns)
{
	struct json_store *store = json_store_of(base);
	json_record_ban(element(store, "ban"), ban);
	if (!json_chat_put_ban(&store->model.chat, ban)) {
		return fail_memory(store);
	}
	if (end_element(store) != STORE_OK) {
		return STORE_FAILED;
	}
	return lift_those_over(store, wall_ns);
}

/* Within a transaction that was done at its begin. */
static enum store_result catch_up(struct json_store *store)
{
	return store->base.within ? STORE_OK : json_store_follow(store);
}

enum store_result json_room_each(struct store *base,
				 void (*see)(void *context, const struct store_room *room),
				 void *context)
{
	struct json_store *store = json_store_of(base);
	const struct json_chat *chat = &store->model.chat;
	if (catch_up(store) != STORE_OK) {
		return STORE_FAILED;
	}
	for (size_t i = 0; i < chat->room_count; i++) {
		if (chat->rooms[i].is_put) {
			see(context, &chat->rooms[i].label);
		}
	}
	return STORE_OK;
}

static void see_messages(const struct json_room *room,
			 void (*see)(void *context, const struct store_message *message),
			 void *context)
{
	for (size_t i = 0; i < room->count; i++) {
		const struct store_message message = json_chat_message(room, i);
		see(context, &message);
	}
}

enum store_result json_message_each(struct store *base,
				    void (*see)(void *context, const struct store_message *message),
				    void *context)
{
	struct json_store *store = json_store_of(base);
	const struct json_chat *chat = &store->model.chat;
	if (catch_up(store) != STORE_OK) {
		return STORE_FAILED;
	}
	for (size_t i = 0; i < chat->room_count; i++) {
		see_messages(&chat->rooms[i], see, context);
	}
	return STORE_OK;
}

enum store_result json_ban_each(struct store *base,
				void (*see)(void *context, const struct store_ban *ban),
				void *context)
{
	struct json_store *store = json_store_of(base);
	const struct json_chat *chat = &store->model.chat;
	if (catch_up(store) != STORE_OK) {
		return STORE_FAILED;
	}
	for (size_t i = 0; i < chat->ban_count; i++) {
		see(context, &chat->bans[i]);
	}
	return STORE_OK;
}

void json_rooms_write(struct json_store *store)
{
	if (store->chat.length == 0) {
		return;
	}
	json_text_add(&store->text, ", \"chat\": [%.*s]", (int)store->chat.length,
		      store->chat.bytes);
	store->text.failed |= store->chat.failed;
}
