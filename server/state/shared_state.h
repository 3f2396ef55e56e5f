/*
 * shared_state: all that the processes of one server share, in one stretch of memory.
 *
 * The master makes it before the first fork and every worker inherits it at the same address. What
 * lies in it outlives any worker.
 */
#ifndef SERVER_STATE_SHARED_STATE_H
#define SERVER_STATE_SHARED_STATE_H

#include "server/config/options.h"
#include "server/state/booking_queue.h"
#include "server/state/directory.h"
#include "server/state/inbox.h"
#include "server/state/logins.h"
#include "server/state/rooms.h"
#include "server/state/scoreboard.h"
#include "server/state/stock_board.h"
#include "server/state/stream.h"
#include "shared/sync/mutex.h"

struct shared_state {
	const struct options *options;
	struct memory memory;
	struct scoreboard *scoreboard;
	struct directory *directory;
	struct rooms *rooms;
	struct inboxes *inboxes;
	struct booking_queue *queue;
	struct stock_board *board;
	struct logins *logins;
	struct streams *streams;
	struct mutex *store_lock; /* beside the store; NULL until it was opened first */
};

/* Maps and lays out everything for OPTIONS, which must outlive it. Dies when it cannot. */
void shared_state_init(struct shared_state *shared, const struct options *options);

#endif
