/*
 * upgrade: the old master's side of replacing the program while it runs (USR2): has the new binary
 * started, and hands it everything, step by step (handover.h).
 *
 * Until the new one has taken over, whatever goes wrong (it exits, hangs, speaks another version,
 * cannot read the state) leaves this server as it was: the new one is ended, and workers start
 * again and go on with the connections, as after a death. The master owns it and tells it of
 * workers' ends; it is told once that all is over.
 */
#ifndef SERVER_PROCESS_UPGRADE_H
#define SERVER_PROCESS_UPGRADE_H

#include <event2/event.h>
#include <stdbool.h>

#include "server/process/copies.h"
#include "server/process/dispatch.h"
#include "server/process/launcher.h"
#include "server/process/lingering.h"
#include "server/process/slot.h"

/* What it works with, all of it the master's. */
struct upgrade_owner {
	struct shared_state *shared;
	struct event_base *base;
	struct slot *slots; /* the workers' come first */
	uint32_t slot_count;
	struct dispatch *dispatch; /* or NULL */
	struct copies *copies;     /* or NULL: connections do not go along */
	const int *listeners;
	struct launcher *launcher; /* or NULL: nothing can be started */
	struct lingering *lingering;
	/* The new one serves, and this one is to end. CLEANLY: false when that has died since. */
	void (*replaced)(void *context, bool cleanly);
	void *context;
};

struct upgrade;

/* Before the master's sandbox. Dies when memory is gone. */
struct upgrade *upgrade_create(const struct upgrade_owner *owner);

/* Begins, if none is under way; what is wrong is said in the log. */
void upgrade_begin(struct upgrade *upgrade);
bool upgrade_is_under_way(const struct upgrade *upgrade);

/* A process of the owner's has ended. */
void upgrade_slot_ended(struct upgrade *upgrade);

/* Gives it up because of WHY, if it is under way. False if the new one has taken over already. */
bool upgrade_give_up(struct upgrade *upgrade, const char *why);

#endif
