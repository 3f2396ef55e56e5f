/*
 * commons: all that the processes of one server share, in one stretch of memory.
 *
 * The master makes it before the first fork and every worker inherits it at the same address. What
 * lies in it outlives any worker.
 */
#ifndef SERVER_COMMONS_H
#define SERVER_COMMONS_H

#include "server/board.h"
#include "server/desk.h"
#include "server/directory.h"
#include "server/inbox.h"
#include "server/options.h"
#include "server/rooms.h"
#include "server/scoreboard.h"

struct commons {
	const struct options *options;
	struct memory memory;
	struct scoreboard *scoreboard;
	struct directory *directory;
	struct rooms *rooms;
	struct inboxes *inboxes;
	struct desk *desk;
	struct board *board;
};

/* Maps and lays out everything for OPTIONS, which must outlive it. Dies when it cannot. */
void commons_init(struct commons *commons, const struct options *options);

#endif
