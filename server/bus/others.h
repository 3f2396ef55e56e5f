/*
 * others: takes what the other machines tell of who is there (bus/live.h), and keeps it in shared
 * memory (state/presence.h) for the workers here.
 *
 * A machine that is not heard for some seconds is gone: its people leave the rooms here. When it is
 * heard again, those who are still there come back. While this machine itself is cut off from the
 * bus nobody is judged.
 */
#ifndef SERVER_BUS_OTHERS_H
#define SERVER_BUS_OTHERS_H

#include "server/bus/live.h"
#include "server/state/shared_state.h"

struct others;

/* Goes on with what a predecessor left in shared memory. Dies when memory is gone. */
struct others *others_create(struct shared_state *shared);
void others_destroy(struct others *others);

/* The connection is a new one: nothing is known of what was told meanwhile. */
void others_begin(struct others *others, int64_t now_ns);

/* What a message asks for besides. */
enum others_wish {
	OTHERS_ASK = 1,  /* something was missed: the others are to be asked */
	OTHERS_TELL = 2, /* somebody asks */
	OTHERS_SHOW = 4, /* somebody wants this machine's name: it is to be heard at once */
	OTHERS_TAKEN = 8 /* the name is another server's */
};

/* Takes a message; adds a bit to WAKES for each worker that has news. Returns wishes. */
unsigned others_take(struct others *others, struct span bytes, int64_t now_ns, uint64_t *wakes);

/* Some times a second: who is not heard any more leaves. */
void others_turn(struct others *others, int64_t now_ns, uint64_t *wakes);

#endif
