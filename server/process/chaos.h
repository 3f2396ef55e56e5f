/*
 * chaos: the master carries out what operators want to crash (--chaos; state/crash.h), and writes
 * down what it cost.
 */
#ifndef SERVER_PROCESS_CHAOS_H
#define SERVER_PROCESS_CHAOS_H

#include <stdbool.h>
#include <stdint.h>

#include "server/process/slot.h"
#include "server/state/shared_state.h"

struct chaos;

/* SLOTS: the workers', by place; they must outlive it. Dies when memory is gone. */
struct chaos *chaos_create(struct shared_state *shared, struct slot *slots);

/* The worker in place ASKER has noted an order. False if that is none that it can have to give. */
bool chaos_heard(struct chaos *chaos, uint32_t asker);

/* The worker in that PLACE serves, with so many connections of its predecessor. */
void chaos_served(struct chaos *chaos, uint32_t place, uint32_t adopted);

#endif
