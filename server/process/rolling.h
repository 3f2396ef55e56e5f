/*
 * rolling: has all workers replaced, one by one, and then the joiner: the next one lets go (slot.h)
 * when the one before has a successor that serves. The master's.
 */
#ifndef SERVER_PROCESS_ROLLING_H
#define SERVER_PROCESS_ROLLING_H

#include <stdbool.h>
#include <stdint.h>

#include "server/process/dispatch.h"
#include "server/process/slot.h"

/* Zeroed but for what is to be given. */
struct rolling {
	struct slot *slots; /* given: the workers', and the joiner's; those that are stopped are
			       left out */
	uint32_t count;     /* given */
	struct dispatch *dispatch; /* given, or NULL */
	uint32_t next;             /* the one that is being replaced */
	bool under_way;
};

/* Begins; anew if it is under way. False: there is nobody to be replaced. */
bool rolling_begin(struct rolling *rolling);

/* A worker serves. True when that was the last one that there was to wait for. */
bool rolling_ready(struct rolling *rolling, const struct slot *slot);

/* It is over, as far as it got. */
void rolling_stop(struct rolling *rolling);

#endif
