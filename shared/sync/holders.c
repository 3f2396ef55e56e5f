#include "shared/sync/holders.h"

#include <stddef.h>
#include <string.h>

#include "shared/sync/futex.h"

void holders_init(struct holders *holders)
{
	memset(holders, 0, sizeof(*holders));
}

static struct holder *find(struct holders *holders, struct identity who)
{
	for (uint32_t i = 0; i < holders->used; i++) {
		struct holder *holder = &holders->list[i];
		if (holder->count > 0 && identity_equal(holder->who, who)) {
			return holder;
		}
	}
	return NULL;
}

static struct holder *free_entry(struct holders *holders)
{
	for (uint32_t i = 0; i < holders->used; i++) {
		if (holders->list[i].count == 0) {
			return &holders->list[i];
		}
	}
	if (holders->used < HOLDERS_MAX) {
		return &holders->list[holders->used++];
	}
	return NULL;
}

bool holders_take(struct holders *holders)
{
	struct holder *holder = find(holders, identity_own());

	if (!holder) {
		holder = free_entry(holders);
		if (!holder) {
			return false;
		}
		holder->who = identity_own();
	}
	holder->count++;
	return true;
}

static struct holder *find_any(struct holders *holders)
{
	for (uint32_t i = 0; i < holders->used; i++) {
		if (holders->list[i].count > 0) {
			return &holders->list[i];
		}
	}
	return NULL;
}

bool holders_give(struct holders *holders)
{
	struct holder *holder = find(holders, identity_own());

	if (!holder) {
		holder = find_any(holders);
	}
	if (!holder) {
		return false;
	}
	holder->count--;
	return true;
}

uint32_t holders_sum(const struct holders *holders)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < holders->used; i++) {
		sum += holders->list[i].count;
	}
	return sum;
}

uint32_t holders_bury(struct holders *holders)
{
	int64_t now = clock_monotonic_ns();
	uint32_t buried = 0;

	if (now - holders->searched_ns < FUTEX_NAP_NS) {
		return 0;
	}
	holders->searched_ns = now;
	for (uint32_t i = 0; i < holders->used; i++) {
		struct holder *holder = &holders->list[i];
		if (holder->count > 0 && !identity_alive(holder->who)) {
			buried += holder->count;
			holder->count = 0;
		}
	}
	return buried;
}

void holders_undo(struct holders *holders, pid_t dead)
{
	for (uint32_t i = 0; i < holders->used; i++) {
		struct holder *holder = &holders->list[i];
		if (holder->count > 0 && holder->who.pid == dead) {
			holder->count--;
			return;
		}
	}
}
