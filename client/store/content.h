/*
 * content: all that a store holds, in memory, to be looked through or put into another store:
 * events, tickets, and chat.
 *
 * Start with one that is all zeros. Reading and adding are done within a transaction that the
 * caller began; when memory ran out while reading, `failed` says so.
 */
#ifndef CLIENT_STORE_CONTENT_H
#define CLIENT_STORE_CONTENT_H

#include "db/store/chat.h"
#include "db/store/tickets.h"

struct content_message {
	struct store_message message;
	char *text; /* the message's: ours to free */
};

struct content_list {
	void *entries;
	size_t count;
	size_t space; /* entries that there is memory for */
};

struct content {
	struct content_list events;   /* of struct store_event; likewise below */
	struct content_list tickets;  /* store_ticket */
	struct content_list rooms;    /* store_room */
	struct content_list messages; /* content_message */
	struct content_list bans;     /* store_ban */
	bool failed;
};

enum store_result content_read(struct content *content, struct store *store);

/* Adds all to a store that has none: so the numbers come out the same. */
enum store_result content_add(const struct content *content, struct store *store);

void content_finish(struct content *content);

#endif
