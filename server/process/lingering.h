/*
 * lingering: tls processes that were here before this binary took over (takeover.h). Each goes on
 * with the TLS connections that it has, whose plain ends our workers serve, and ends with the last.
 *
 * They are no children of ours. Of each we have its end of the channel, over which come the plain
 * ends of its last handshakes, and a pidfd, by which its end is learned; who was its parent has
 * ended, so the system's first process reaps it. It ends with our end of the channel at the latest,
 * so whatever becomes of this master, none is left behind.
 */
#ifndef SERVER_PROCESS_LINGERING_H
#define SERVER_PROCESS_LINGERING_H

#include <event2/event.h>
#include <stdbool.h>

#include "server/process/worker.h"

#define LINGERING_MOST 8 /* at a time: when another comes, the oldest one's connections end */

struct lingering;

/* Who is told. A plain end is the owner's from then on. */
struct lingering_owner {
	void (*take)(void *context, int plain, const struct arrival *arrival);
	void (*ended)(void *context); /* one of them */
	void *context;
};

struct lingerer {
	pid_t pid;
	int channel;
	int descriptor; /* pidfd */
};

/* None yet. Dies when memory is gone. */
struct lingering *lingering_create(struct event_base *base, struct plain_ends *plain_ends,
				   const struct lingering_owner *owner);

/* One more; its descriptors are owned from here on. */
void lingering_add(struct lingering *lingering, const struct lingerer *lingerer);

/* This master's own tls process accepts: those that do so still are to do it no more. */
void lingering_begin(struct lingering *lingering);

/* All of them, oldest first, for whoever takes over from this one: returns how many. */
size_t lingering_list(const struct lingering *lingering, struct lingerer list[LINGERING_MOST]);

/* What they say is not heard for now; or it is again. */
void lingering_hear(struct lingering *lingering, bool on);

/* They are to end within their drain time; and at once: then there are none any more. */
void lingering_drain(struct lingering *lingering);
void lingering_kill(struct lingering *lingering);

uint32_t lingering_count(const struct lingering *lingering);

/* Now and then: whoever hangs is killed, or, where that cannot be, told of in the log. */
void lingering_look(struct lingering *lingering, int64_t now_ns);

#endif
