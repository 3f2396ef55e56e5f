#include "shared/sync/barrier.h"

#include <stddef.h>
#include <string.h>

#include "shared/base/log.h"

enum { NOT_USED, ELSEWHERE, WAITING, PASSED, BROKEN };

/* Tells all who wait that their round ended in STATE. May be done twice. */
static void tell(struct barrier *barrier, uint32_t state)
{
	barrier->telling = state;
	if (state == BROKEN) {
		barrier->broken = true;
	}
	for (uint32_t i = 0; i < barrier->used; i++) {
		if (barrier->list[i].state == WAITING) {
			barrier->list[i].state = state;
		}
	}
	barrier->telling = NOT_USED;
	condition_notify_all(&barrier->told);
}

static void repair(void *context, pid_t dead)
{
	struct barrier *barrier = context;

	(void)dead;
	if (barrier->telling != NOT_USED) {
		tell(barrier, barrier->telling);
	}
}

static struct mutex_repair repair_of(struct barrier *barrier)
{
	return (struct mutex_repair){ .run = repair, .context = barrier };
}

static void lock(struct barrier *barrier)
{
	struct mutex_repair how = repair_of(barrier);

	mutex_lock(&barrier->mutex, &how);
}

void barrier_init(struct barrier *barrier, uint32_t parties)
{
	struct mutex_repair how = repair_of(barrier);

	if (parties == 0 || parties > BARRIER_PARTIES_MAX) {
		bug("a barrier for %u parties", (unsigned)parties);
	}
	memset(barrier, 0, sizeof(*barrier));
	mutex_init(&barrier->mutex, MUTEX_PLAIN);
	condition_init(&barrier->told, &barrier->mutex, &how);
	barrier->parties = parties;
}

/* Where the caller's process is registered and not waiting already (in another thread). */
static struct barrier_party *own_entry(struct barrier *barrier)
{
	for (uint32_t i = 0; i < barrier->used; i++) {
		struct barrier_party *party = &barrier->list[i];
		if (party->state == ELSEWHERE && identity_equal(party->who, identity_own())) {
			return party;
		}
	}
	return NULL;
}

static struct barrier_party *free_entry(struct barrier *barrier)
{
	for (uint32_t i = 0; i < barrier->used; i++) {
		if (barrier->list[i].state == NOT_USED) {
			return &barrier->list[i];
		}
	}
	if (barrier->used < BARRIER_PARTIES_MAX) {
		return &barrier->list[barrier->used++];
	}
	return NULL;
}

static struct barrier_party *take_entry(struct barrier *barrier, bool registered, uint32_t state)
{
	struct barrier_party *party = free_entry(barrier);

	if (!party) {
		return NULL;
	}
	party->who = identity_own();
	party->registered = registered;
	party->state = state;
	return party;
}

static void forget_the_dead(struct barrier *barrier)
{
	for (uint32_t i = 0; i < barrier->used; i++) {
		struct barrier_party *party = &barrier->list[i];
		if (party->state != NOT_USED && !identity_alive(party->who)) {
			party->state = NOT_USED;
		}
	}
}

/* One that passed may go and die: the others need it no more. */
static bool is_missed(const struct barrier_party *party)
{
	return (party->state == WAITING || party->state == ELSEWHERE) &&
	       !identity_alive(party->who);
}

static bool misses_somebody(struct barrier *barrier)
{
	int64_t now = clock_monotonic_ns();

	if (now - barrier->searched_ns < FUTEX_NAP_NS) {
		return false;
	}
	barrier->searched_ns = now;
	for (uint32_t i = 0; i < barrier->used; i++) {
		if (is_missed(&barrier->list[i])) {
			return true;
		}
	}
	return false;
}

uint32_t barrier_waiting(const struct barrier *barrier)
{
	uint32_t waiting = 0;

	for (uint32_t i = 0; i < barrier->used; i++) {
		waiting += barrier->list[i].state == WAITING;
	}
	return waiting;
}

struct arrival {
	struct barrier *barrier;
	struct barrier_party *self;
};

static bool is_told(void *context)
{
	const struct arrival *arrival = context;

	if (arrival->self->state == WAITING && misses_somebody(arrival->barrier)) {
		tell(arrival->barrier, BROKEN);
	}
	return arrival->self->state != WAITING;
}

static struct barrier_party *arrive(struct barrier *barrier)
{
	int before = (int)barrier_waiting(barrier);
	struct barrier_party *self = own_entry(barrier);

	if (self) {
		self->state = WAITING;
	} else {
		self = take_entry(barrier, false, WAITING);
		if (!self) {
			return NULL;
		}
	}
	self->index = before;
	return self;
}

/* With the mutex held. */
static int wait_for_all(struct barrier *barrier, int64_t timeout_ns)
{
	struct arrival arrival = { .barrier = barrier, .self = arrive(barrier) };
	struct barrier_party *self = arrival.self;

	if (!self) {
		return BARRIER_BROKEN;
	}
	if (barrier_waiting(barrier) == barrier->parties) {
		tell(barrier, PASSED);
	} else if (!condition_wait_for(&barrier->told, is_told, &arrival, timeout_ns)) {
		tell(barrier, BROKEN);
	}
	int result = self->state == PASSED ? self->index : BARRIER_BROKEN;
	self->state = self->registered ? ELSEWHERE : NOT_USED;
	return result;
}

int barrier_wait(struct barrier *barrier, int64_t timeout_ns)
{
	lock(barrier);
	int result = barrier->broken ? BARRIER_BROKEN : wait_for_all(barrier, timeout_ns);
	mutex_unlock(&barrier->mutex);
	return result;
}

bool barrier_register(struct barrier *barrier)
{
	lock(barrier);
	bool known = own_entry(barrier) || take_entry(barrier, true, ELSEWHERE);
	mutex_unlock(&barrier->mutex);
	return known;
}

void barrier_leave(struct barrier *barrier)
{
	lock(barrier);
	struct barrier_party *self = own_entry(barrier);
	if (self) {
		self->state = NOT_USED;
	}
	mutex_unlock(&barrier->mutex);
}

void barrier_abort(struct barrier *barrier)
{
	lock(barrier);
	tell(barrier, BROKEN);
	mutex_unlock(&barrier->mutex);
}

void barrier_reset(struct barrier *barrier)
{
	lock(barrier);
	tell(barrier, BROKEN);
	forget_the_dead(barrier);
	barrier->broken = false;
	mutex_unlock(&barrier->mutex);
}

bool barrier_is_broken(const struct barrier *barrier)
{
	return barrier->broken;
}
