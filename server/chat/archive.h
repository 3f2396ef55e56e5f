/*
 * keeper: keeps chat in the store, behind everybody's back: what was said, topics, bans.
 *
 * Whoever serves the desk calls it about once a second, with the store's lock held, in a
 * transaction of its own: a crash may cost the last second of chat, never a booking, and no booking
 * waits for chat. At the server's start it puts back what the store has.
 */
#ifndef SERVER_CHAT_ARCHIVE_H
#define SERVER_CHAT_ARCHIVE_H

#include "db/store/store.h"
#include "server/state/shared_state.h"

/* Whether a second has passed and something is to be kept. Needs no lock. */
bool keeper_is_due(const struct commons *commons);

/* Keeps what is new. False when the store failed: store_error says how. */
bool keeper_keep(struct commons *commons, struct store *store);

/* Puts back what was kept: before the first fork. False when the store failed. */
bool keeper_restore(struct commons *commons, struct store *store);

#endif
