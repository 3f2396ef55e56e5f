/*
 * guard: what stands before a heat's critical section: nothing, a lock, or a semaphore.
 */
#ifndef CLIENT_RACE_GUARD_H
#define CLIENT_RACE_GUARD_H

#include "client/race/heat.h"

struct race_guard;

size_t race_guard_size(void);

/* Makes STRATEGY's guard in zeroed shared memory. */
void race_guard_init(struct race_guard *guard, enum race_strategy strategy);

/* Whether one has to go in at all. */
bool race_guard_stands(const struct race_guard *guard);

/* Waits until the caller may go in; goes out. */
void race_guard_enter(struct race_guard *guard);
void race_guard_leave(struct race_guard *guard);

#endif
