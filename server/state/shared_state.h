/*
 * shared_state: all that the processes of one server share, in one stretch of memory.
 *
 * The master makes it before the first fork and every worker inherits it at the same address. What
 * lies in it outlives any worker.
 *
 * It is laid out for as many workers as there may be, and for more connections and longer logs than
 * are asked for, so that these can change while the server runs: what nobody touches costs nothing
 * but addresses.
 */
#ifndef SERVER_STATE_SHARED_STATE_H
#define SERVER_STATE_SHARED_STATE_H

#include "server/config/options.h"
#include "server/state/booking_queue.h"
#include "server/state/bus.h"
#include "server/state/directory.h"
#include "server/state/errands.h"
#include "server/state/inbox.h"
#include "server/state/logins.h"
#include "server/state/plain_ends.h"
#include "server/state/presence.h"
#include "server/state/rooms.h"
#include "server/state/scoreboard.h"
#include "server/state/stock_board.h"
#include "server/state/stream.h"
#include "server/state/told.h"
#include "shared/sync/mutex.h"

struct shared_state {
	const struct options *options;
	unsigned workers; /* the most that there ever were: those beyond the options' retire */
	uint32_t seats;   /* connections that each of them has room for */
	struct memory memory;
	struct scoreboard *scoreboard;
	struct directory *directory;
	struct rooms *rooms;
	struct inboxes *inboxes;
	struct booking_queue *queue;
	struct stock_board *board;
	struct logins *logins;
	struct streams *streams;
	struct plain_ends plain_ends; /* in a memory of their own */
	struct bus *bus;              /* NULL: chat is this machine's own */
	struct errands *errands;      /* for these; NULL likewise */
	struct presence *presence;    /* who is on the other machines; NULL likewise */
	struct told *told;            /* [workers] */
	struct mutex *store_lock;     /* beside the store; NULL until it was opened first */
};

/* Maps and lays out everything for OPTIONS, which must outlive it. Dies when it cannot. */
void shared_state_init(struct shared_state *shared, const struct options *options);

/* Gives it all back: for tests. No other process may use it any more. */
void shared_state_finish(struct shared_state *shared);

/*
 * The master, before it starts them: there are as many workers and as much history from now on as
 * the options say, which may have changed. Dies when memory is gone.
 */
void shared_state_fit(struct shared_state *shared);

/* Likewise: there were WORKERS once, elsewhere, who may have left something. */
void shared_state_use(struct shared_state *shared, unsigned workers);

#endif
