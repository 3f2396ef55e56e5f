/*
 * opening: what is done with the store once, when the server starts to sell from it: the options'
 * events are made, what connections of servers that are gone held is given back, and what the store
 * has of stock and chat is put where all processes see it.
 *
 * At the start, before any worker is there; or by a worker's clerk, when the store's database was
 * not there at the start, while people chat already. With the store's lock held.
 */
#ifndef SERVER_BOOKING_OPENING_H
#define SERVER_BOOKING_OPENING_H

#include "db/store/store.h"
#include "server/state/shared_state.h"

/* False when it cannot, and WHY (STORE_ERROR_SIZE bytes) says why. */
bool opening_do(struct shared_state *shared, struct store *store, char *why);

/* The same of events alone: another process serves the store as this server still. */
bool opening_make_events(const struct shared_state *shared, struct store *store, char *why);

#endif
