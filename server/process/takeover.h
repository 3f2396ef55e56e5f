/*
 * takeover: the new master's side of replacing the program while it runs: it takes over from an old
 * one (upgrade.h), step by step (handover.h).
 *
 * Whatever goes wrong ends this process with a line in the log, and the old one serves on.
 */
#ifndef SERVER_PROCESS_TAKEOVER_H
#define SERVER_PROCESS_TAKEOVER_H

#include <event2/event.h>

#include "server/process/copies.h"
#include "server/process/dispatch.h"
#include "server/process/lingering.h"

struct takeover;

/*
 * Whether an old one waits to be taken over: NULL if not. Then it says what must be as it was, and
 * OPTIONS are made to fit: listeners that are open already are passed, and each worker has as many
 * seats at least. Workers that are too many are to retire.
 */
struct takeover *takeover_begin(struct options *options);

/*
 * This one is ready. Waits until the old one's workers have let go, and goes on from there: SHARED,
 * fresh from start_up, has its state, COPIES (or NULL) its connections, DISPATCH (or NULL) those
 * that no worker had yet, LINGERING its tls processes. When it returns all of it is this process's.
 */
void takeover_run(struct takeover *takeover, struct shared_state *shared, struct copies *copies,
		  struct dispatch *dispatch, struct lingering *lingering);

/* This one serves: the old one may end; READY is called when it has. */
void takeover_end(struct takeover *takeover, struct event_base *base, void (*ready)(void));

#endif
