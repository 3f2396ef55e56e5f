/*
 * clerk: the thread of a worker that may block: it carries out what lies on the desk.
 *
 * Whoever's clerk gets the store's lock serves the requests of all workers: one transaction, one
 * sync, then all the answers. That is the group commit. It waits for nobody to come: while one
 * batch is synced the next one gathers by itself.
 */
#ifndef SERVER_CLERK_H
#define SERVER_CLERK_H

#include "db/booking.h"
#include "server/worker.h"

struct clerk;

/*
 * Opens the store and starts the thread. NULL, with a line in the log, when the store cannot be
 * opened: then the worker ends.
 */
struct clerk *clerk_start(struct commons *commons, uint32_t worker);

/* Whether the clerk gave up (the store failed and could not be opened anew): the worker ends. */
bool clerk_failed(const struct clerk *clerk);

/* Ends the thread, after the batch under way, closes the store and frees the clerk. */
void clerk_stop(struct clerk *clerk);

/* Brings the whole board up to date; with the store's lock held. For the master's start, too. */
void clerk_fill_board(const struct booking_desk *desk, struct board *board);

#endif
