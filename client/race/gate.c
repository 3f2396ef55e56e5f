#include "client/race/gate.h"

#include "shared/base/log.h"
#include "shared/sync/mutex.h"
#include "shared/sync/semaphore.h"

struct race_gate {
	enum race_strategy strategy;
	struct mutex mutex;
	struct semaphore semaphore;
};

size_t race_gate_size(void)
{
	return sizeof(struct race_gate);
}

void race_gate_init(struct race_gate *gate, enum race_strategy strategy)
{
	gate->strategy = strategy;
	mutex_init(&gate->mutex, MUTEX_PLAIN);
	semaphore_init(&gate->semaphore, SEMAPHORE_BOUNDED, RACE_AT_ONCE);
}

void race_gate_enter(struct race_gate *gate)
{
	if (gate->strategy == RACE_LOCK && mutex_lock(&gate->mutex, NULL) != MUTEX_TAKEN) {
		bug("a buyer waits for the lock that it holds");
	}
	if (gate->strategy == RACE_SEMAPHORE) {
		semaphore_acquire(&gate->semaphore, FUTEX_FOREVER);
	}
}

void race_gate_leave(struct race_gate *gate)
{
	if (gate->strategy == RACE_LOCK) {
		mutex_unlock(&gate->mutex);
	}
	if (gate->strategy == RACE_SEMAPHORE) {
		semaphore_release(&gate->semaphore);
	}
}
