/* Who may go in: lock, rlock, semaphore. */
#include <signal.h>
#include <stdatomic.h>

#include "client/lab/children.h"
#include "client/lab/experiments.h"
#include "client/lab/report.h"
#include "client/lab/timeline.h"
#include "shared/sync/barrier.h"
#include "shared/sync/latch.h"
#include "shared/sync/mutex.h"
#include "shared/sync/semaphore.h"

#define WORKERS     4
#define WORK_NS     (40 * NS_PER_MS)
#define GUESTS      10
#define GUESTS_MOST 3

/*
 * lock. Python: lock = Lock(); each of the workers does `with lock:` around its three prints, which
 * stand in a heap without it.
 */

struct room {
	struct mutex mutex;
	struct barrier together; /* all begin at once */
	bool locked;
	struct latch held;
};

static void work_inside(struct lab *lab, void *shared, unsigned number)
{
	struct room *room = shared;

	barrier_wait(&room->together, LAB_PATIENCE_NS);
	int64_t came_ns = clock_monotonic_ns();
	if (room->locked) {
		mutex_lock(&room->mutex, NULL);
		lab_note(lab, number, LAB_WAITS, "waits", came_ns);
	}
	int64_t in_ns = clock_monotonic_ns();
	clock_sleep(WORK_NS);
	lab_note(lab, number, LAB_WORKS, "inside", in_ns);
	if (room->locked) {
		mutex_unlock(&room->mutex);
	}
}

static int die_with_the_lock(void *argument)
{
	struct room *room = argument;

	mutex_lock(&room->mutex, NULL);
	latch_set(&room->held);
	raise(SIGKILL);
	return 0;
}

static void show_dead_holder(struct lab *lab, struct room *room)
{
	struct process *holder = lab_start("holder", die_with_the_lock, room);

	lab_expect(lab, lab_finish(lab, holder) == -SIGKILL, "one more takes it and is killed");
	enum mutex_result result = mutex_lock_within(&room->mutex, LAB_PATIENCE_NS, NULL);
	lab_expect(lab, result == MUTEX_TAKEN,
		   "the next one gets it all the same (in Python it would wait for ever)");
	if (result == MUTEX_TAKEN) {
		mutex_unlock(&room->mutex);
	}
	lab_expect(lab, atomic_load(&room->mutex.deaths) == 1, "and is told that its holder died");
}

void lab_lock(struct lab *lab)
{
	struct room *room = lab_share(lab, sizeof(*room));

	lab_say(lab, "%d workers come at once and want to be inside for %.0f ms.", WORKERS,
		lab_ms(WORK_NS));
	mutex_init(&room->mutex, MUTEX_PLAIN);
	barrier_init(&room->together, WORKERS);
	lab_part(lab, "without a lock", "worker");
	lab_children_run(lab, WORKERS, work_inside, room);
	room->locked = true;
	lab_part(lab, "with a lock", "worker");
	lab_children_run(lab, WORKERS, work_inside, room);
	lab_show_timeline(lab);
	lab_expect(lab, lab_most_at_once(lab, 0) > 1, "without it, %u were inside at once",
		   lab_most_at_once(lab, 0));
	lab_expect(lab, lab_most_at_once(lab, 1) == 1, "with it, never more than one");
	show_dead_holder(lab, room);
}

/*
 * rlock. Python: RLock() may be acquired twice by its owner and is released as often; Lock() would
 * wait for itself for ever (mutexA.acquire() twice: the tutorial's deadlock).
 */

struct locks {
	struct mutex plain;
	struct mutex recursive;
};

/* Ends with 1 when somebody else has the lock. */
static int try_from_outside(void *argument)
{
	struct mutex *mutex = argument;
	enum mutex_result result = mutex_try(mutex, NULL);

	if (result == MUTEX_TAKEN) {
		mutex_unlock(mutex);
	}
	return result == MUTEX_BUSY;
}

static bool is_busy(struct lab *lab, struct mutex *mutex)
{
	return lab_finish(lab, lab_start("outsider", try_from_outside, mutex)) == 1;
}

/* A function that takes the lock and calls itself: the reason why there are such locks. */
static bool go_down(struct mutex *mutex, unsigned levels)
{
	if (levels == 0) {
		return true;
	}
	if (mutex_lock(mutex, NULL) != MUTEX_TAKEN) {
		return false;
	}
	bool good = go_down(mutex, levels - 1);
	mutex_unlock(mutex);
	return good;
}

void lab_rlock(struct lab *lab)
{
	struct locks *locks = lab_share(lab, sizeof(*locks));

	lab_say(lab,
		"A function takes a lock and calls itself, three levels deep. A plain lock would");
	lab_say(lab, "have to wait for its own holder, for ever; ours refuses to.");
	mutex_init(&locks->plain, MUTEX_PLAIN);
	mutex_init(&locks->recursive, MUTEX_RECURSIVE);
	mutex_lock(&locks->plain, NULL);
	lab_expect(lab, mutex_lock(&locks->plain, NULL) == MUTEX_DEADLOCK,
		   "plain: taking it a second time is a deadlock, and said to be one");
	mutex_unlock(&locks->plain);
	lab_expect(lab, go_down(&locks->recursive, 3),
		   "recursive: taken and given back three times");
	mutex_lock(&locks->recursive, NULL);
	mutex_lock(&locks->recursive, NULL);
	mutex_unlock(&locks->recursive);
	lab_expect(lab, is_busy(lab, &locks->recursive),
		   "taken twice, given back once: others still find it taken");
	mutex_unlock(&locks->recursive);
	lab_expect(lab, !is_busy(lab, &locks->recursive), "given back twice: it is free");
}

/*
 * semaphore. Python: sm = Semaphore(3); ten workers do `with sm:` and sleep for a random time.
 */

struct door {
	struct semaphore semaphore;
	struct barrier together;
	_Atomic unsigned inside;
	_Atomic unsigned most;
	_Atomic unsigned served;
};

static void visit(struct lab *lab, void *shared, unsigned number)
{
	struct door *door = shared;

	barrier_wait(&door->together, LAB_PATIENCE_NS);
	int64_t came_ns = clock_monotonic_ns();
	if (!semaphore_acquire(&door->semaphore, LAB_PATIENCE_NS)) {
		return;
	}
	lab_note(lab, number, LAB_WAITS, "waits", came_ns);
	lab_raise(&door->most, atomic_fetch_add(&door->inside, 1) + 1);
	int64_t in_ns = clock_monotonic_ns();
	clock_sleep((20 + number * 7 % 5 * 10) * NS_PER_MS);
	lab_note(lab, number, LAB_WORKS, "inside", in_ns);
	atomic_fetch_add(&door->served, 1);
	atomic_fetch_sub(&door->inside, 1);
	semaphore_release(&door->semaphore);
}

void lab_semaphore(struct lab *lab)
{
	struct door *door = lab_share(lab, sizeof(*door));

	lab_say(lab, "%d guests come at once; there is room for %d.", GUESTS, GUESTS_MOST);
	semaphore_init(&door->semaphore, SEMAPHORE_BOUNDED, GUESTS_MOST);
	barrier_init(&door->together, GUESTS);
	lab_part(lab, "one semaphore of three", "guest");
	lab_children_run(lab, GUESTS, visit, door);
	lab_show_timeline(lab);
	lab_show(lab, "inside at once, at most", "%u", atomic_load(&door->most));
	lab_expect(lab, atomic_load(&door->most) <= GUESTS_MOST, "never more than %d were inside",
		   GUESTS_MOST);
	lab_expect(lab, atomic_load(&door->served) == GUESTS, "all %d had their turn", GUESTS);
	lab_expect(lab, semaphore_value(&door->semaphore) == GUESTS_MOST,
		   "all units were given back");
	lab_expect(lab, !semaphore_release(&door->semaphore),
		   "one release too many is refused (a BoundedSemaphore)");
}
