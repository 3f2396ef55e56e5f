/*
 * core: what a worker serves its sessions with: all but its process, its listeners and its sleep.
 *
 * A test that needs sessions makes one, too. `turn.base` is the caller's to make and to run.
 */
#ifndef SERVER_PROCESS_CORE_H
#define SERVER_PROCESS_CORE_H

#include "server/booking/sales.h"
#include "server/state/turn.h"

struct core {
	struct turn turn;
	struct sales sales;
};

void core_init(struct core *core, struct shared_state *shared, uint32_t worker);
void core_finish(struct core *core);

/*
 * Once a turn, after the sockets were read: answers from the clerk, letters from other workers,
 * news of rooms, then one write a socket.
 */
void core_turn(struct core *core);

/* Whether others brought something: asked once more before the loop sleeps. */
bool core_has_news(const struct core *core);

/* Whether nobody is connected, and nothing is under way for who was. */
bool core_is_idle(const struct core *core);

/* When the next turn is due at the latest: monotonic; INT64_MAX: when something happens. */
int64_t core_due_ns(struct core *core);

/* A second passed. */
void core_tick(struct core *core);

/*
 * At a worker's start, in this order. Before anything else: says what of its predecessor's is gone
 * on with. SOCKETS: by seat, the connection there, or -1; owned from here on; NULL: no connections.
 * When its loop and its clerk are there: core_adopt goes on with them; returns how many there are.
 */
void core_keep(struct core *core, const int *sockets);
uint32_t core_adopt(struct core *core, const int *sockets);

/*
 * This worker is about to leave its sessions to a successor: once a turn, behind core_turn, until
 * it says true: then what is private of them is brought to an end, and core_leave, after which
 * nothing more is to be done with them, leaves them as they are.
 */
bool core_yield(struct core *core);
void core_leave(struct core *core);

/* At its end: what is left of its sessions is given back. */
void core_sweep(struct core *core);

#endif
