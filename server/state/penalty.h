/*
 * penalty: a mute or a ban that holds on all machines, on its way over the bus: a line of an outbox
 * (bus.h) that is no room's. Its room's name is the network, its text the seconds.
 */
#ifndef SERVER_STATE_PENALTY_H
#define SERVER_STATE_PENALTY_H

#include <stdint.h>

#include "server/config/peer_address.h"
#include "server/state/bus.h"

/* Kinds of a line beyond those of messages (message.h). */
enum penalty_kind { PENALTY_MUTE = 64, PENALTY_BAN = 65 };

#define PENALTY_SECONDS_MAX (365 * 24 * 3600)

struct penalty {
	enum penalty_kind kind;
	struct peer_network network; /* of a mute, one address */
	int64_t seconds;             /* 0: it is over */
};

/* A worker: it was made here, BY somebody (elsewhere, perhaps). False: the outbox is full. */
bool penalty_put(struct bus *bus, uint32_t worker, const struct penalty *penalty, struct span by,
		 int64_t wall_ns);

bool penalty_is_kind(int kind);

/* Reads one out of a line's room and text; false if that is none. */
bool penalty_read(int kind, struct span room, struct span text, struct penalty *penalty);

#endif
