/*
 * turn: what code at any height needs of its worker's loop.
 *
 * One is kept a worker. The time is read once a turn, when it is first asked for; whom to wake is
 * gathered, and they are woken at the turn's end, when all that the turn brings them is there. What
 * a layer further up keeps for its worker hangs here too: only its name is known here, and only its
 * owner looks into it.
 */
#ifndef SERVER_STATE_TURN_H
#define SERVER_STATE_TURN_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "server/state/shared_state.h"

struct turn {
	struct shared_state *shared;
	uint32_t worker; /* its number, from 0; people see it from 1 */
	struct score *score;
	struct event_base *base;
	struct hand *hand;   /* what it is at, for its successor */
	struct arena *arena; /* what its connections keep in it, they keep beyond its end */
	int64_t now_ns;      /* 0: not read yet; see turn_now_ns */
	int64_t wall_ns;
	int64_t last_ns;         /* a turn before, or earlier: `now_ns` */
	int64_t unread_since_ns; /* see turn_forget_time */
	int64_t accepted_ns; /* before the connections were accepted that are being taken over */
	unsigned reads;      /* sockets that had something in this turn */
	uint64_t to_wake;    /* a bit a worker */
	bool calls_clerks;   /* there are new requests on the queue of bookings */
	bool wakes_bus;      /* there are new lines in its outbox */

	struct sessions *sessions;   /* session/session.h */
	struct posts *posts;         /* chat/post.h */
	struct fan_out *fan_out;     /* chat/fan_out.h */
	struct operators *operators; /* chat/operator.h */
	struct elsewhere *elsewhere; /* chat/elsewhere.h */
	struct boxoffice *boxoffice; /* booking/boxoffice.h */
};

/* A turn of WORKER's, without a base. Dies when memory is gone. */
void turn_init(struct turn *turn, struct shared_state *shared, uint32_t worker);
void turn_finish(struct turn *turn);

/*
 * Before the loop asks for what the sockets have: the time is another afterwards. What a socket has
 * then, that was asked for the last time too, came after `unread_since_ns`, however long this
 * process stood still in between: had it been there before, it would have been told of then.
 */
void turn_forget_time(struct turn *turn);

int64_t turn_now_ns(struct turn *turn); /* monotonic */
int64_t turn_wall_ns(struct turn *turn);

/* At the turn's end another worker is woken, or all others that have members in ROOM. */
void turn_wake(struct turn *turn, uint32_t other);
void turn_wake_room(struct turn *turn, uint16_t room);

/* Wakes them now. */
void turn_wake_others(struct turn *turn);

/* Calls whoever carries out bookings, if there are new ones. */
void turn_call_clerks(struct turn *turn);

#endif
