/*
 * store_chat: what is kept of chat: rooms, what was said there, and bans; written behind.
 *
 * A room has a place (a small number) and a name; putting a FRESH one at a place forgets what was
 * said there. Changes are made within a transaction; texts are UTF-8. A store may forget a room's
 * oldest messages where it would grow too large.
 */
#ifndef DB_STORE_CHAT_H
#define DB_STORE_CHAT_H

#include "db/store/records.h"
#include "db/store/store.h"

enum store_result store_room_put(struct store *store, const struct store_room *room, bool fresh);
enum store_result store_message_add(struct store *store, const struct store_message *message);

/* Forgets all but the newest KEEP messages of a room. */
enum store_result store_messages_trim(struct store *store, uint32_t room, unsigned keep);

/* Sets until when an address is banned; one whose time is over is forgotten. */
enum store_result store_ban_put(struct store *store, const struct store_ban *ban, int64_t wall_ns);

/*
 * All of them, with the lock held, messages in the order of rooms and numbers. SEE must not change
 * anything.
 */
enum store_result store_room_each(struct store *store, store_see_room *see, void *context);
enum store_result store_message_each(struct store *store, store_see_message *see, void *context);
enum store_result store_ban_each(struct store *store, store_see_ban *see, void *context);

#endif
