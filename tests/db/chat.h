/*
 * chat: what the tests of the stores' chat share: a few words for changing it, and all of it as one
 * text.
 */
#ifndef TESTS_DB_CHAT_H
#define TESTS_DB_CHAT_H

#include <stdint.h>

#include "db/store/store.h"

#define CHAT_WALL_NS                                                                \
	INT64_C(1700000000000000000) /* messages are from so many ns + their number \
				      */

/* Within a transaction. */
void chat_put_room(struct store *store, uint32_t place, const char *name, const char *topic,
		   bool fresh);
void chat_say(struct store *store, uint32_t room, uint64_t number, const char *text);

/*
 * Rooms, messages and bans, a line each ("3 #lobby [topic]", "3.17 text", "ban ADDRESS UNTIL");
 * bans in the order of addresses. The text is good until the next call. The second is for use
 * within a transaction.
 */
const char *chat_of(struct store *store);
const char *chat_within(struct store *store);

/* The date of the message that is listed last. */
int64_t chat_newest_ns(struct store *store);

#endif
