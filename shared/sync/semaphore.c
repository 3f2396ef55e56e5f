#include "shared/sync/semaphore.h"

static void repair(void *context, pid_t dead)
{
	struct semaphore *semaphore = context;

	(void)dead;
	semaphore->available = semaphore->total - holders_sum(&semaphore->holders);
}

static struct mutex_repair repair_of(struct semaphore *semaphore)
{
	return (struct mutex_repair){ .run = repair, .context = semaphore };
}

static void lock(struct semaphore *semaphore)
{
	struct mutex_repair how = repair_of(semaphore);

	mutex_lock(&semaphore->mutex, &how);
}

void semaphore_init(struct semaphore *semaphore, enum semaphore_kind kind, uint32_t value)
{
	struct mutex_repair how = repair_of(semaphore);

	mutex_init(&semaphore->mutex, MUTEX_PLAIN);
	condition_init(&semaphore->released, &semaphore->mutex, &how);
	holders_init(&semaphore->holders);
	semaphore->kind = kind;
	semaphore->total = value;
	semaphore->available = value;
}

static bool take(struct semaphore *semaphore)
{
	if (semaphore->available == 0 || !holders_take(&semaphore->holders)) {
		return false;
	}
	semaphore->available--;
	return true;
}

static bool try_acquire(void *context)
{
	struct semaphore *semaphore = context;

	if (take(semaphore)) {
		return true;
	}
	uint32_t buried = holders_bury(&semaphore->holders);
	semaphore->available += buried;
	if (buried > 1) {
		condition_notify(&semaphore->released, buried - 1); /* nobody released these */
	}
	return take(semaphore);
}

bool semaphore_acquire(struct semaphore *semaphore, int64_t timeout_ns)
{
	lock(semaphore);
	bool taken = condition_wait_for(&semaphore->released, try_acquire, semaphore, timeout_ns);
	mutex_unlock(&semaphore->mutex);
	return taken;
}

/* With nothing out, a plain one grows. */
static bool give_back(struct semaphore *semaphore)
{
	if (holders_give(&semaphore->holders)) {
		return true;
	}
	if (semaphore->kind == SEMAPHORE_BOUNDED || semaphore->total == UINT32_MAX) {
		return false;
	}
	semaphore->total++;
	return true;
}

bool semaphore_release(struct semaphore *semaphore)
{
	lock(semaphore);
	bool given = give_back(semaphore);
	if (given) {
		semaphore->available++;
		condition_notify(&semaphore->released, 1);
	}
	mutex_unlock(&semaphore->mutex);
	return given;
}

uint32_t semaphore_value(const struct semaphore *semaphore)
{
	return semaphore->available;
}
