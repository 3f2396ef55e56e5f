#include "db/store/chat.h"

#include "db/store/kind.h"

enum store_result store_room_put(struct store *store, const struct store_room *room, bool fresh)
{
	store_changes(store);
	return store_noted(store, store->kind->room_put(store, room, fresh));
}

enum store_result store_message_add(struct store *store, const struct store_message *message)
{
	store_changes(store);
	return store_noted(store, store->kind->message_add(store, message));
}

enum store_result store_messages_trim(struct store *store, uint32_t room, unsigned keep)
{
	store_changes(store);
	return store_noted(store, store->kind->messages_trim(store, room, keep));
}

enum store_result store_ban_put(struct store *store, const struct store_ban *ban, int64_t wall_ns)
{
	store_changes(store);
	return store_noted(store, store->kind->ban_put(store, ban, wall_ns));
}

enum store_result store_room_each(struct store *store, store_see_room *see, void *context)
{
	store_must_be_taken(store);
	return store_noted(store, store->kind->room_each(store, see, context));
}

enum store_result store_message_each(struct store *store, store_see_message *see, void *context)
{
	store_must_be_taken(store);
	return store_noted(store, store->kind->message_each(store, see, context));
}

enum store_result store_ban_each(struct store *store, store_see_ban *see, void *context)
{
	store_must_be_taken(store);
	return store_noted(store, store->kind->ban_each(store, see, context));
}
