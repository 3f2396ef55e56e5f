/*
 * adopt: a worker goes on with the sessions that its predecessor left (state/stream.h).
 *
 * The order matters. First, before anything is taken from the arena, adopt_keep says what of it is
 * in use. When the loop is there, adopt_sessions makes a session of each stream; higher layers add
 * what is theirs, and finish the delivery that was under way; adopt_resume takes the input that was
 * in hand once more; and adopt_start begins to read and send.
 */
#ifndef SERVER_SESSION_ADOPT_H
#define SERVER_SESSION_ADOPT_H

#include <stdbool.h>
#include <stdint.h>

#include "server/session/sessions.h"

/*
 * SOCKETS: by seat, the connection of who sits there, or -1; owned from here on. NULL: nobody's.
 * Streams without one are over.
 */
void adopt_keep(struct turn *turn, const int *sockets);

/* Returns how many there are. FRONT_OF: the front of a kind of listener. */
uint32_t adopt_sessions(struct turn *turn, const int *sockets,
			const struct front *(*front_of)(uint8_t kind));

/* ASKED: the request that was begun last lies on the booking queue. */
void adopt_resume(struct turn *turn, bool asked);

void adopt_start(struct turn *turn);

#endif
