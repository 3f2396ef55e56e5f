/*
 * race_gate: what stands before a heat's critical section: nothing, a lock, or a semaphore.
 */
#ifndef CLIENT_RACE_GATE_H
#define CLIENT_RACE_GATE_H

#include "client/race/race.h"

struct race_gate;

size_t race_gate_size(void);

/* Makes STRATEGY's gate in zeroed shared memory. */
void race_gate_init(struct race_gate *gate, enum race_strategy strategy);

/* Waits until the caller may go in; goes out. */
void race_gate_enter(struct race_gate *gate);
void race_gate_leave(struct race_gate *gate);

#endif
