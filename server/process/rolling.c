#include "server/process/rolling.h"

static void replace(struct rolling *rolling)
{
	struct slot *slot = &rolling->slots[rolling->next];

	if (rolling->dispatch && slot->role == SLOT_WORKER) {
		dispatch_pause_worker(rolling->dispatch, slot->number);
	}
	slot_replace(slot);
}

void rolling_begin(struct rolling *rolling)
{
	rolling->under_way = true;
	rolling->next = 0;
	replace(rolling);
}

bool rolling_ready(struct rolling *rolling, const struct slot *slot)
{
	if (!rolling->under_way || slot != &rolling->slots[rolling->next] ||
	    slot->parting != SLOT_STAYS) {
		return false;
	}
	if (++rolling->next < rolling->count) {
		replace(rolling);
		return false;
	}
	rolling->under_way = false;
	return true;
}

void rolling_stop(struct rolling *rolling)
{
	rolling->under_way = false;
}
