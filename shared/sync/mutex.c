/*
 * The inside: pthread does the waiting and, with the kernel's robust list, finds dead holders. What
 * is added here is the repair, and the way back from ENOTRECOVERABLE.
 *
 * A death at each step of a holder's life:
 *
 *   in the lock call, or before `owner` is written     the successor sees owner 0
 *   from then on until unlock clears it                the successor sees the dead one's pid
 *   after `owner` is cleared, before the lock is free  0 again: the work was done
 *   a successor, before `broken` is set                as if it had never come
 *   a successor, before `broken` is cleared            the next one repairs, for the first dead
 *   a successor, after that                            an ordinary dead holder
 *
 * `owner` is 0 whenever the lock is free, so a stale pid is never taken for the dead one's.
 *
 * A lock that is unusable cannot be initialised in place: others may be within pthread's code for
 * it at that moment. So there are two, `remade` says which is in use, and making anew means to
 * initialise the other one and then to count `remade` up, under a guard. An unusable lock can
 * become usable again behind our back (a process that dies while it is being told ENOTRECOVERABLE
 * leaves EOWNERDEAD to the next), so whoever gets EOWNERDEAD also makes sure, under the guard, that
 * it got the lock in use. The guard is held for a few instructions, and never after a normal lock
 * or unlock; a death with it needs no repair, since all that is done under it can be done twice.
 */
#include "shared/sync/mutex.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "shared/base/log.h"

#define NOT_AT_ALL INT64_C(0)
#define FOREVER    INT64_MAX

/* 2 to 10 us, as long as a processor's pause is. */
#define SPIN_PAUSES 256

/* Whoever waits has a free lock sooner; a `waiting` that is older was left by the dead. */
#define WAITING_STALE_NS (10 * NS_PER_MS)

#define WAIT_SLICE_NS (100 * NS_PER_MS)

/* getpid(2) is a call to the kernel, which the fast path can do without. */
static _Atomic pid_t own_pid_kept;
static pthread_once_t own_pid_once = PTHREAD_ONCE_INIT;

static void forget_own_pid(void)
{
	atomic_store_explicit(&own_pid_kept, 0, memory_order_relaxed);
}

static void forget_own_pid_in_children(void)
{
	if (pthread_atfork(NULL, NULL, forget_own_pid) != 0) {
		die("pthread_atfork: %m");
	}
}

static pid_t own_pid(void)
{
	pid_t pid = atomic_load_explicit(&own_pid_kept, memory_order_relaxed);

	if (pid == 0) {
		pthread_once(&own_pid_once, forget_own_pid_in_children);
		pid = getpid();
		atomic_store_explicit(&own_pid_kept, pid, memory_order_relaxed);
	}
	return pid;
}

static void check(int error, const char *what)
{
	if (error != 0) {
		bug("%s: %s", what, strerror(error));
	}
}

static void init_lock(pthread_mutex_t *lock, int type)
{
	pthread_mutexattr_t attributes;

	check(pthread_mutexattr_init(&attributes), "pthread_mutexattr_init");
	check(pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED), "setpshared");
	check(pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST), "setrobust");
	check(pthread_mutexattr_settype(&attributes, type), "settype");
	check(pthread_mutex_init(lock, &attributes), "pthread_mutex_init");
	pthread_mutexattr_destroy(&attributes);
}

static int lock_type(const struct mutex *mutex)
{
	return mutex->kind == MUTEX_RECURSIVE ? PTHREAD_MUTEX_RECURSIVE : PTHREAD_MUTEX_ERRORCHECK;
}

void mutex_init(struct mutex *mutex, enum mutex_kind kind)
{
	memset(mutex, 0, sizeof(*mutex));
	mutex->kind = kind;
	init_lock(&mutex->locks[0], lock_type(mutex));
	init_lock(&mutex->locks[1], lock_type(mutex));
	init_lock(&mutex->guard, PTHREAD_MUTEX_ERRORCHECK);
}

static pthread_mutex_t *lock_in_use(struct mutex *mutex, uint32_t remade)
{
	return &mutex->locks[remade % 2];
}

static void guard_take(struct mutex *mutex)
{
	int error = pthread_mutex_lock(&mutex->guard);

	if (error == EOWNERDEAD) {
		error = pthread_mutex_consistent(&mutex->guard);
	}
	check(error, "a mutex's guard");
}

static void guard_give(struct mutex *mutex)
{
	check(pthread_mutex_unlock(&mutex->guard), "a mutex's guard");
}

/* Notes whose work is to be repaired; while a repair is due already, that one's. */
static void note_broken(struct mutex *mutex)
{
	if (!mutex->broken) {
		mutex->repairing = mutex->owner;
		mutex->broken = true;
	}
	mutex->owner = 0;
}

/*
 * LOCK is ours since its holder died. False, and it is not ours, when it is no longer the one in
 * use: it is left unusable then.
 */
static bool inherit(struct mutex *mutex, pthread_mutex_t *lock, uint32_t remade)
{
	guard_take(mutex);
	bool in_use = mutex->remade == remade;
	if (in_use) {
		note_broken(mutex);
		mutex->deaths++;
		check(pthread_mutex_consistent(lock), "pthread_mutex_consistent");
	}
	guard_give(mutex);
	if (!in_use) {
		pthread_mutex_unlock(lock);
	}
	return in_use;
}

static int lock_until(pthread_mutex_t *lock, const struct timespec *until)
{
	int error = pthread_mutex_clocklock(lock, CLOCK_MONOTONIC, until);

	return error == ETIMEDOUT ? EBUSY : error;
}

/*
 * In place of pthread_mutex_trylock, which leaves a lock that is unusable locked for ever (glibc
 * 2.36). A time that is long past comes back from the same code as a wait, without a call to the
 * kernel; all it costs is that the holder wakes somebody who does not sleep.
 */
static int try_lock(pthread_mutex_t *lock)
{
	static const struct timespec past = { .tv_sec = -1 };

	return lock_until(lock, &past);
}

/* Asked under the guard. An inherited lock that is given back unrepaired becomes unusable again. */
static bool is_unusable(pthread_mutex_t *lock)
{
	int error = try_lock(lock);

	if (error == 0 || error == EOWNERDEAD) {
		pthread_mutex_unlock(lock);
	}
	return error == ENOTRECOVERABLE || error == EOWNERDEAD;
}

/* Makes the lock anew that was found unusable, unless somebody else did. */
static void remake(struct mutex *mutex, uint32_t remade)
{
	guard_take(mutex);
	if (mutex->remade == remade && is_unusable(lock_in_use(mutex, remade))) {
		note_broken(mutex);
		init_lock(lock_in_use(mutex, remade + 1), lock_type(mutex));
		mutex->remade = remade + 1;
	}
	guard_give(mutex);
}

/* Those who wait and are killed stay counted, so it may be less than one by now: see own(). */
static void stop_waiting(struct mutex *mutex)
{
	uint32_t waiting = mutex->waiting;

	while (waiting > 0 &&
	       !atomic_compare_exchange_weak(&mutex->waiting, &waiting, waiting - 1)) {
		/* again */
	}
}

/*
 * In slices: of those who sleep on a lock that becomes unusable glibc (2.36) wakes only one, and
 * the others would wait for it for ever.
 */
static int wait_for(struct mutex *mutex, pthread_mutex_t *lock, int64_t deadline_ns)
{
	int64_t slice_end_ns = clock_deadline(WAIT_SLICE_NS);
	struct timespec until =
		clock_timespec(deadline_ns < slice_end_ns ? deadline_ns : slice_end_ns);

	mutex->waiting++;
	int error = lock_until(lock, &until);
	stop_waiting(mutex);
	return error;
}

static void run_repair(struct mutex *mutex, const struct mutex_repair *repair)
{
	if (repair) {
		repair->run(repair->context, mutex->repairing);
	}
	mutex->broken = false;
	mutex->repairing = 0;
}

/* Only the holder writes it, so it needs no locked instruction. */
static void count_taken(struct mutex *mutex)
{
	uint64_t taken = atomic_load_explicit(&mutex->taken, memory_order_relaxed);

	atomic_store_explicit(&mutex->taken, taken + 1, memory_order_relaxed);
}

/* Of a brief one no time is kept. */
static int64_t time_of(const struct mutex *mutex)
{
	return mutex->kind == MUTEX_BRIEF ? 0 : clock_monotonic_ns();
}

static void note_held(struct mutex *mutex)
{
	int64_t now = clock_monotonic_ns();
	int64_t since = atomic_load_explicit(&mutex->since_ns, memory_order_relaxed);

	histogram_add(&mutex->held, (uint64_t)(now - since));
	atomic_store_explicit(&mutex->since_ns, now, memory_order_relaxed);
}

/* The lock is ours: says so, and repairs what it guards where that is due. */
static void own(struct mutex *mutex, const struct mutex_repair *repair)
{
	pid_t self = own_pid();

	if (atomic_load_explicit(&mutex->owner, memory_order_relaxed) == self) {
		mutex->depth++;
		return;
	}
	int64_t now = time_of(mutex);
	int64_t since = atomic_load_explicit(&mutex->since_ns, memory_order_relaxed);
	if (atomic_load_explicit(&mutex->waiting, memory_order_relaxed) != 0 &&
	    now - since > WAITING_STALE_NS) {
		mutex->waiting = 0;
	}
	mutex->depth = 1;
	atomic_store_explicit(&mutex->since_ns, now, memory_order_relaxed);
	atomic_store_explicit(&mutex->owner, self, memory_order_release);
	count_taken(mutex);
	if (atomic_load_explicit(&mutex->broken, memory_order_relaxed)) {
		run_repair(mutex, repair);
	}
}

/*
 * Tries, or waits for a slice of time, for the lock in use: 0, EBUSY, EDEADLK, or ENOTRECOVERABLE
 * when another one is in use now.
 */
static int acquire(struct mutex *mutex, uint32_t remade, int64_t deadline_ns)
{
	pthread_mutex_t *lock = lock_in_use(mutex, remade);
	int error = try_lock(lock);

	if (error == EBUSY && deadline_ns != NOT_AT_ALL) {
		error = wait_for(mutex, lock, deadline_ns);
	}
	if (error == EOWNERDEAD) {
		error = inherit(mutex, lock, remade) ? 0 : ENOTRECOVERABLE;
	}
	if (error == ENOTRECOVERABLE) {
		remake(mutex, remade);
	}
	return error;
}

static enum mutex_result take(struct mutex *mutex, int64_t deadline_ns,
			      const struct mutex_repair *repair)
{
	int error;

	do {
		uint32_t remade = atomic_load_explicit(&mutex->remade, memory_order_acquire);
		error = acquire(mutex, remade, deadline_ns);
	} while (error == ENOTRECOVERABLE ||
		 (error == EBUSY && clock_monotonic_ns() < deadline_ns));
	switch (error) {
	case 0: own(mutex, repair); return MUTEX_TAKEN;
	case EBUSY: return MUTEX_BUSY;
	case EDEADLK: return MUTEX_DEADLOCK;
	default: bug("a mutex: %s", strerror(error));
	}
}

enum mutex_result mutex_lock(struct mutex *mutex, const struct mutex_repair *repair)
{
	return take(mutex, FOREVER, repair);
}

enum mutex_result mutex_try(struct mutex *mutex, const struct mutex_repair *repair)
{
	return take(mutex, NOT_AT_ALL, repair);
}

enum mutex_result mutex_lock_within(struct mutex *mutex, int64_t timeout_ns,
				    const struct mutex_repair *repair)
{
	int64_t deadline_ns = timeout_ns > 0 ? clock_deadline(timeout_ns) : NOT_AT_ALL;

	return take(mutex, deadline_ns, repair);
}

static void cpu_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/*
 * Looks at the lock itself only when its holder seems to be gone. No sched_yield(2): on a few
 * cores, many who yield to each other keep the holder from running.
 */
enum mutex_result mutex_spin(struct mutex *mutex, const struct mutex_repair *repair)
{
	enum mutex_result result = mutex_try(mutex, repair);

	for (int pauses = 0; result == MUTEX_BUSY && pauses < SPIN_PAUSES; pauses++) {
		cpu_pause();
		if (mutex_owner(mutex, NULL) == 0) {
			result = mutex_try(mutex, repair);
		}
	}
	return result;
}

void mutex_unlock(struct mutex *mutex)
{
	pthread_mutex_t *lock = lock_in_use(mutex, mutex->remade);

	if (atomic_load_explicit(&mutex->owner, memory_order_relaxed) != own_pid()) {
		bug("a mutex is unlocked by a process that does not hold it");
	}
	if (--mutex->depth == 0) {
		if (atomic_load_explicit(&mutex->broken, memory_order_relaxed)) {
			bug("a mutex is unlocked in the midst of its repair");
		}
		if (mutex->kind != MUTEX_BRIEF) {
			note_held(mutex);
		}
		atomic_store_explicit(&mutex->owner, 0, memory_order_release);
	}
	check(pthread_mutex_unlock(lock), "pthread_mutex_unlock");
}

pid_t mutex_owner(const struct mutex *mutex, int64_t *held_ns)
{
	pid_t owner = atomic_load_explicit(&mutex->owner, memory_order_acquire);
	int64_t since = atomic_load_explicit(&mutex->since_ns, memory_order_relaxed);

	if (held_ns) {
		int64_t now = time_of(mutex);
		*held_ns = owner != 0 && now > since ? now - since : 0;
	}
	return owner;
}
