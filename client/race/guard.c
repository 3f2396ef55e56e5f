#include "client/race/guard.h"

#include "shared/base/log.h"
#include "shared/sync/mutex.h"
#include "shared/sync/semaphore.h"

struct race_guard {
	enum race_strategy strategy;
	struct mutex mutex;
	struct semaphore semaphore;
};

size_t race_guard_size(void)
{
	return sizeof(struct race_guard);
}

void race_guard_init(struct race_guard *guard, enum race_strategy strategy)
{
	guard->strategy = strategy;
	mutex_init(&guard->mutex, MUTEX_PLAIN);
	semaphore_init(&guard->semaphore, SEMAPHORE_BOUNDED, RACE_AT_ONCE);
}

bool race_guard_stands(const struct race_guard *guard)
{
	return guard->strategy == RACE_LOCK || guard->strategy == RACE_SEMAPHORE;
}

void race_guard_enter(struct race_guard *guard)
{
	if (guard->strategy == RACE_LOCK && mutex_lock(&guard->mutex, NULL) != MUTEX_TAKEN) {
		bug("a buyer waits for the lock that it holds");
	}
	if (guard->strategy == RACE_SEMAPHORE) {
		semaphore_acquire(&guard->semaphore, FUTEX_FOREVER);
	}
}

void race_guard_leave(struct race_guard *guard)
{
	if (guard->strategy == RACE_LOCK) {
		mutex_unlock(&guard->mutex);
	}
	if (guard->strategy == RACE_SEMAPHORE) {
		semaphore_release(&guard->semaphore);
	}
}
