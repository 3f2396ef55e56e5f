/*
 * archive: keeps chat in the store, behind everybody's back: what was said, topics, bans.
 *
 * Whoever serves the queue calls it about once a second, with the store's lock held, in a
 * transaction of its own: a crash may cost the last second of chat, never a booking, and no booking
 * waits for chat. At the server's start it puts back what the store has.
 */
#ifndef SERVER_CHAT_ARCHIVE_H
#define SERVER_CHAT_ARCHIVE_H

#include "db/store/store.h"
#include "server/state/shared_state.h"

struct archive;

/* Whoever serves the queue has one. Dies when there is no memory. */
struct archive *archive_create(struct shared_state *shared);
void archive_destroy(struct archive *archive);

/* Whether a second has passed and something is to be kept. Needs no lock. */
bool archive_is_due(const struct shared_state *shared);

/* Keeps what is new. False when the store failed: store_error says how. */
bool archive_keep(struct archive *archive, struct store *store);

/*
 * Puts back what was kept, with the store's lock held: at the start, before the first fork or later
 * than that. Rooms that people have opened meanwhile stay as they are. False when the store failed.
 */
bool archive_restore(struct shared_state *shared, struct store *store);

/*
 * Takes over the bans that other machines made and lifted, with the store's lock held and no
 * transaction under way. False when the store failed.
 */
bool archive_learn_bans(struct shared_state *shared, struct store *store);

#endif
