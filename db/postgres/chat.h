/*
 * postgres_chat: what is kept of a machine's chat, as db/store/chat.h means it. Rooms and messages
 * are each machine's own, bans are of all. Changes are posted, and sent with what comes next.
 */
#ifndef DB_POSTGRES_CHAT_H
#define DB_POSTGRES_CHAT_H

#include "db/postgres/handle.h"

enum store_result postgres_room_put(struct store *base, const struct store_room *room, bool fresh);
enum store_result postgres_message_add(struct store *base, const struct store_message *message);
enum store_result postgres_messages_trim(struct store *base, uint32_t room, unsigned keep);
enum store_result postgres_ban_put(struct store *base, const struct store_ban *ban,
				   int64_t wall_ns);
enum store_result postgres_room_each(struct store *base, store_see_room *see, void *context);
enum store_result postgres_message_each(struct store *base, store_see_message *see, void *context);
enum store_result postgres_ban_each(struct store *base, store_see_ban *see, void *context);

#endif
