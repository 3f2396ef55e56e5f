/*
 * store_content: all that a store holds, in memory, to be looked through or put into another store:
 * events, tickets, and chat.
 *
 * Start with one that is all zeros. Reading and adding are done within a transaction that the
 * caller began; when memory ran out while reading, `failed` says so.
 */
#ifndef CLIENT_STORE_CONTENT_H
#define CLIENT_STORE_CONTENT_H

#include "db/store/store.h"

struct content_message {
	struct store_message message;
	char *text; /* the message's: ours to free */
};

struct content {
	struct store_event *events;
	size_t event_count;
	size_t event_space; /* of the array; likewise below */
	struct store_ticket *tickets;
	size_t ticket_count;
	size_t ticket_space;
	struct store_room *rooms;
	size_t room_count;
	size_t room_space;
	struct content_message *messages;
	size_t message_count;
	size_t message_space;
	struct store_ban *bans;
	size_t ban_count;
	size_t ban_space;
	bool failed;
};

enum store_result content_read(struct content *content, struct store *store);

/* Adds all to a store that has none: so the numbers come out the same. */
enum store_result content_add(const struct content *content, struct store *store);

void content_finish(struct content *content);

#endif
