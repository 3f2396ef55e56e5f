#include "db/sqlite/chat.h"

#include <string.h>

static void bind_text(sqlite3_stmt *statement, int index, const char *text, size_t length)
{
	sqlite3_bind_text(statement, index, text, (int)length, SQLITE_STATIC);
}

static void copy_text(sqlite3_stmt *statement, int column, char *text, size_t size)
{
	const unsigned char *value = sqlite3_column_text(statement, column);
	size_t length = value ? (size_t)sqlite3_column_bytes(statement, column) : 0;

	length = length < size ? length : size - 1;
	if (length > 0) {
		memcpy(text, value, length);
	}
	text[length] = '\0';
}

enum store_result sqlite_room_put(struct store *base, const struct store_room *room, bool fresh)
{
	struct sqlite_store *store = sqlite_store_of(base);
	sqlite3_stmt *forget = sqlite_statement(store, QUERY_ROOM_FORGET);

	sqlite3_bind_int64(forget, 1, room->place);
	if (fresh && sqlite_run(store, forget) != STORE_OK) {
		return STORE_FAILED;
	}
	sqlite3_stmt *put = sqlite_statement(store, QUERY_ROOM_PUT);

	sqlite3_bind_int64(put, 1, room->place);
	bind_text(put, 2, room->name, strlen(room->name));
	bind_text(put, 3, room->topic, strlen(room->topic));
	return sqlite_run(store, put);
}

enum store_result sqlite_message_add(struct store *base, const struct store_message *message)
{
	struct sqlite_store *store = sqlite_store_of(base);
	sqlite3_stmt *statement = sqlite_statement(store, QUERY_MESSAGE_ADD);

	sqlite3_bind_int64(statement, 1, message->room);
	sqlite3_bind_int64(statement, 2, (int64_t)message->number);
	sqlite3_bind_int64(statement, 3, message->wall_ns);
	bind_text(statement, 4, message->text, message->length);
	return sqlite_run(store, statement);
}

enum store_result sqlite_messages_trim(struct store *base, uint32_t room, unsigned keep)
{
	struct sqlite_store *store = sqlite_store_of(base);
	sqlite3_stmt *statement = sqlite_statement(store, QUERY_MESSAGES_TRIM);

	sqlite3_bind_int64(statement, 1, room);
	sqlite3_bind_int64(statement, 2, keep);
	return sqlite_run(store, statement);
}

enum store_result sqlite_ban_put(struct store *base, const struct store_ban *ban, int64_t wall_ns)
{
	struct sqlite_store *store = sqlite_store_of(base);
	sqlite3_stmt *put = sqlite_statement(store, QUERY_BAN_PUT);

	bind_text(put, 1, ban->address, strlen(ban->address));
	sqlite3_bind_int64(put, 2, ban->until_ns);
	if (sqlite_run(store, put) != STORE_OK) {
		return STORE_FAILED;
	}
	sqlite3_stmt *over = sqlite_statement(store, QUERY_BANS_OVER);

	sqlite3_bind_int64(over, 1, wall_ns);
	return sqlite_run(store, over);
}

enum store_result sqlite_room_each(struct store *base, store_see_room *see, void *context)
{
	struct sqlite_store *store = sqlite_store_of(base);
	sqlite3_stmt *statement = sqlite_statement(store, QUERY_ROOM_ALL);
	enum store_result result;
	struct store_room room;

	while ((result = sqlite_row(store, statement)) == STORE_OK) {
		room.place = (uint32_t)sqlite3_column_int64(statement, 0);
		copy_text(statement, 1, room.name, sizeof(room.name));
		copy_text(statement, 2, room.topic, sizeof(room.topic));
		see(context, &room);
	}
	return result == STORE_NONE ? STORE_OK : result;
}

enum store_result sqlite_message_each(struct store *base, store_see_message *see, void *context)
{
	struct sqlite_store *store = sqlite_store_of(base);
	sqlite3_stmt *statement = sqlite_statement(store, QUERY_MESSAGE_ALL);
	enum store_result result;

	while ((result = sqlite_row(store, statement)) == STORE_OK) {
		const struct store_message message = {
			.room = (uint32_t)sqlite3_column_int64(statement, 0),
			.number = (uint64_t)sqlite3_column_int64(statement, 1),
			.wall_ns = sqlite3_column_int64(statement, 2),
			.text = (const char *)sqlite3_column_text(statement, 3),
			.length = (size_t)sqlite3_column_bytes(statement, 3),
		};
		see(context, &message);
	}
	return result == STORE_NONE ? STORE_OK : result;
}

enum store_result sqlite_ban_each(struct store *base, store_see_ban *see, void *context)
{
	struct sqlite_store *store = sqlite_store_of(base);
	sqlite3_stmt *statement = sqlite_statement(store, QUERY_BAN_ALL);
	enum store_result result;
	struct store_ban ban;

	while ((result = sqlite_row(store, statement)) == STORE_OK) {
		copy_text(statement, 0, ban.address, sizeof(ban.address));
		ban.until_ns = sqlite3_column_int64(statement, 1);
		see(context, &ban);
	}
	return result == STORE_NONE ? STORE_OK : result;
}
