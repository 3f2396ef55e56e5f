/*
 * sqlite_chat: what is kept of chat in SQLite; db/store/chat.h says what the functions do.
 */
#ifndef DB_SQLITE_CHAT_H
#define DB_SQLITE_CHAT_H

#include "db/sqlite/statement.h"

enum store_result sqlite_room_put(struct store *store, const struct store_room *room, bool fresh);
enum store_result sqlite_message_add(struct store *store, const struct store_message *message);
enum store_result sqlite_messages_trim(struct store *store, uint32_t room, unsigned keep);
enum store_result sqlite_ban_put(struct store *store, const struct store_ban *ban, int64_t wall_ns);
enum store_result sqlite_room_each(struct store *store, store_see_room *see, void *context);
enum store_result sqlite_message_each(struct store *store, store_see_message *see, void *context);
enum store_result sqlite_ban_each(struct store *store, store_see_ban *see, void *context);

#endif
