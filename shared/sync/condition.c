#include "shared/sync/condition.h"

#include <string.h>

#include "shared/base/log.h"

enum { FREE, WAITING, CALLED };

void condition_init(struct condition *condition, struct mutex *mutex,
		    const struct mutex_repair *repair)
{
	memset(condition, 0, sizeof(*condition));
	condition->mutex = mutex;
	if (repair) {
		condition->repair = *repair;
	}
}

static void lock(struct condition *condition)
{
	const struct mutex_repair *repair = &condition->repair;

	if (mutex_lock(condition->mutex, repair->run ? repair : NULL) != MUTEX_TAKEN) {
		bug("a condition's mutex was not given back while its waiter slept");
	}
}

/* Gives the mutex back altogether; returns how often it has to be taken again. */
static uint32_t unlock_all(struct condition *condition)
{
	uint32_t depth = condition->mutex->depth;

	for (uint32_t i = 0; i < depth; i++) {
		mutex_unlock(condition->mutex);
	}
	return depth;
}

static void lock_again(struct condition *condition, uint32_t depth)
{
	for (uint32_t i = 0; i < depth; i++) {
		lock(condition);
	}
}

static void free_those_of_the_dead(struct condition *condition)
{
	for (uint32_t i = 0; i < condition->used; i++) {
		struct condition_waiter *waiter = &condition->waiters[i];
		if (waiter->state == WAITING && !identity_alive(waiter->who)) {
			waiter->state = FREE;
		}
	}
}

static struct condition_waiter *free_entry(struct condition *condition)
{
	for (uint32_t i = 0; i < condition->used; i++) {
		if (condition->waiters[i].state == FREE) {
			return &condition->waiters[i];
		}
	}
	if (condition->used < CONDITION_WAITERS_MAX) {
		return &condition->waiters[condition->used++];
	}
	return NULL;
}

/* An entry of the table, or NULL when it is full of those who live. */
static struct condition_waiter *enlist(struct condition *condition)
{
	struct condition_waiter *waiter = free_entry(condition);

	if (!waiter) {
		free_those_of_the_dead(condition);
		waiter = free_entry(condition);
	}
	if (!waiter) {
		return NULL;
	}
	waiter->who = identity_own();
	waiter->turn = condition->turns++;
	waiter->state = WAITING;
	return waiter;
}

static void leave(struct condition_waiter *waiter)
{
	if (waiter) {
		waiter->state = FREE;
	}
}

static struct condition_waiter *longest_waiting(struct condition *condition)
{
	struct condition_waiter *longest = NULL;

	for (uint32_t i = 0; i < condition->used; i++) {
		struct condition_waiter *waiter = &condition->waiters[i];
		if (waiter->state == WAITING && (!longest || waiter->turn < longest->turn)) {
			longest = waiter;
		}
	}
	return longest;
}

static void call(struct condition_waiter *waiter)
{
	waiter->state = CALLED;
	futex_wake(&waiter->state, 1);
}

static void call_next_alive(struct condition *condition)
{
	struct condition_waiter *next = longest_waiting(condition);

	while (next && !identity_alive(next->who)) {
		next->state = FREE;
		next = longest_waiting(condition);
	}
	if (next) {
		call(next);
	}
}

/*
 * Those called leave soon, so there is hardly ever one to ask for. The next is called before the
 * dead one's entry is free: killed in between, one too many is called, and not one too few.
 */
static void pass_on_calls_to_the_dead(struct condition *condition)
{
	for (uint32_t i = 0; i < condition->used; i++) {
		struct condition_waiter *waiter = &condition->waiters[i];
		if (waiter->state == CALLED && !identity_alive(waiter->who)) {
			call_next_alive(condition);
			waiter->state = FREE;
		}
	}
}

/* Sleeps, without the mutex, until SELF is called, the nap is over, or DEADLINE_NS. */
static void nap(struct condition *condition, struct condition_waiter *self, int64_t deadline_ns)
{
	uint32_t depth = unlock_all(condition);

	if (!self) {
		clock_sleep(futex_nap_ns(deadline_ns));
	} else {
		futex_nap(&self->state, WAITING, deadline_ns);
	}
	lock_again(condition, depth);
	if (self && self->state == WAITING) {
		pass_on_calls_to_the_dead(condition);
	}
}

static bool is_over(int64_t deadline_ns)
{
	return clock_monotonic_ns() >= deadline_ns;
}

bool condition_wait(struct condition *condition, int64_t timeout_ns)
{
	int64_t deadline_ns = futex_deadline(timeout_ns);
	uint32_t deaths = condition->mutex->deaths;
	struct condition_waiter *self = enlist(condition);
	bool woken;

	do {
		nap(condition, self, deadline_ns);
		woken = !self || self->state == CALLED || condition->mutex->deaths != deaths;
	} while (!woken && !is_over(deadline_ns));
	leave(self);
	return woken;
}

bool condition_wait_for(struct condition *condition, bool (*ready)(void *context), void *context,
			int64_t timeout_ns)
{
	int64_t deadline_ns = futex_deadline(timeout_ns);
	bool done = ready(context);

	if (done || timeout_ns == 0) {
		return done;
	}
	struct condition_waiter *self = enlist(condition);
	do {
		if (self) {
			self->state = WAITING; /* it was called, and somebody else was faster */
		}
		nap(condition, self, deadline_ns);
		done = ready(context);
	} while (!done && !is_over(deadline_ns));
	leave(self);
	return done;
}

size_t condition_notify(struct condition *condition, size_t count)
{
	size_t called = 0;
	struct condition_waiter *next;

	while (called < count && (next = longest_waiting(condition))) {
		call(next);
		called++;
	}
	return called;
}

size_t condition_notify_all(struct condition *condition)
{
	size_t called = 0;

	for (uint32_t i = 0; i < condition->used; i++) {
		if (condition->waiters[i].state != WAITING) {
			continue;
		}
		call(&condition->waiters[i]);
		called++;
	}
	return called;
}
