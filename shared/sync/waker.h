/*
 * waker: wakes a process that sleeps in its event loop, and costs nothing when it does not sleep.
 *
 * An eventfd(2) that is written and never read: the sleeper has it in its epoll set edge-triggered.
 * Before it sleeps the sleeper arms the waker and then looks once more at all it could be woken
 * for; whoever has news publishes it first and then calls waker_wake. Both sides put a full fence
 * between their two steps, so one of them always sees the other: no wake-up is lost, also when
 * either is killed between any two instructions (the next wake or arm starts afresh).
 *
 * The struct lies in shared memory; the eventfd is made before the fork and inherited.
 */
#ifndef SHARED_SYNC_WAKER_H
#define SHARED_SYNC_WAKER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct waker {
	_Atomic uint32_t asleep; /* 0, or the sleeper's `armings`; cleared by who woke it */
	uint32_t armings;        /* the sleeper's own: how often it armed */
	int descriptor;          /* the eventfd: the same number in the whole family */
	_Atomic uint64_t writes; /* how often it had to be written: for the curious */
};

/* Makes the eventfd (non-blocking, close-on-exec); dies when it cannot. */
void waker_init(struct waker *waker);

/* The sleeper, before it looks for news a last time and then sleeps. */
void waker_arm(struct waker *waker);

/* The sleeper, when it is awake again or decided not to sleep. */
void waker_disarm(struct waker *waker);

/* Anyone, after publishing news: wakes the sleeper if it sleeps. True if it had to be written. */
bool waker_wake(struct waker *waker);

void waker_finish(struct waker *waker);

#endif
