#include "server/process/rolling.h"

static void replace(struct rolling *rolling)
{
	struct slot *slot = &rolling->slots[rolling->next];

	if (rolling->dispatch && slot->role == SLOT_WORKER) {
		dispatch_pause_worker(rolling->dispatch, slot->number);
	}
	slot_replace(slot);
}

/* The next one from where it is, if there is one, is replaced. */
static bool go_on(struct rolling *rolling)
{
	while (rolling->next < rolling->count && rolling->slots[rolling->next].stopped) {
		rolling->next++;
	}
	rolling->under_way = rolling->next < rolling->count;
	if (rolling->under_way) {
		replace(rolling);
	}
	return rolling->under_way;
}

bool rolling_begin(struct rolling *rolling)
{
	rolling->next = 0;
	return go_on(rolling);
}

bool rolling_ready(struct rolling *rolling, const struct slot *slot)
{
	if (!rolling->under_way || slot != &rolling->slots[rolling->next] ||
	    slot->parting != SLOT_STAYS) {
		return false;
	}
	rolling->next++;
	return !go_on(rolling);
}

void rolling_stop(struct rolling *rolling)
{
	rolling->under_way = false;
}
