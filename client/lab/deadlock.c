/* Two locks, two orders: deadlock. */
#include <signal.h>
#include <stdatomic.h>

#include "client/lab/children.h"
#include "client/lab/experiments.h"
#include "client/lab/report.h"
#include "client/lab/timeline.h"
#include "shared/sync/barrier.h"
#include "shared/sync/mutex.h"

#define MOVERS  2
#define STEP_NS (20 * NS_PER_MS)
#define NOBODY  MOVERS

/*
 * deadlock. Python: one does `with a: with b:`, the other `with b: with a:`; once each has its
 * first lock, both wait for ever, and nobody says so.
 */

struct mover {
	unsigned order[2];        /* the locks, in the order in which it takes them */
	_Atomic unsigned wants;   /* the lock that it waits for, and 1; 0: for none */
	_Atomic int64_t since_ns; /* when it began to wait */
};

struct accounts {
	struct mutex locks[2]; /* a and b */
	struct barrier together;
	struct barrier one_each;
	bool ordered;
	struct mover movers[MOVERS];
	_Atomic unsigned moved; /* how many had both locks */
};

static struct lab *own_lab;
static struct process *processes[MOVERS];

static char lock_name(unsigned lock)
{
	return (char)('a' + lock);
}

/* Those who move money between two accounts */

/* Says what it waits for before it waits: that is all that the watcher needs. */
static void take(struct accounts *accounts, unsigned number, unsigned lock)
{
	struct mover *mover = &accounts->movers[number];

	atomic_store(&mover->since_ns, clock_monotonic_ns());
	atomic_store(&mover->wants, lock + 1);
	mutex_lock(&accounts->locks[lock], NULL);
	atomic_store(&mover->wants, 0);
	lab_note(own_lab, number, LAB_WAITS, "waits", atomic_load(&mover->since_ns));
}

static void work(unsigned number, const char *name)
{
	int64_t start_ns = clock_monotonic_ns();

	clock_sleep(STEP_NS);
	lab_note(own_lab, number, LAB_WORKS, name, start_ns);
}

static void move(struct accounts *accounts, unsigned number)
{
	const unsigned *order = accounts->movers[number].order;

	barrier_wait(&accounts->together, LAB_PATIENCE_NS);
	take(accounts, number, order[0]);
	work(number, "has one lock");
	if (!accounts->ordered) {
		barrier_wait(&accounts->one_each, LAB_PATIENCE_NS); /* no luck for anybody */
	}
	take(accounts, number, order[1]);
	work(number, "has both");
	atomic_fetch_add(&accounts->moved, 1);
	mutex_unlock(&accounts->locks[order[1]]);
	mutex_unlock(&accounts->locks[order[0]]);
}

struct errand {
	struct accounts *accounts;
	unsigned number;
};

static int run_errand(void *argument)
{
	const struct errand *errand = argument;

	move(errand->accounts, errand->number);
	return 0;
}

static void start_movers(struct accounts *accounts)
{
	for (unsigned i = 0; i < MOVERS; i++) {
		struct errand errand = { accounts, i };
		processes[i] = lab_start("mover", run_errand, &errand);
	}
}

/* The watcher */

/* Who has the lock that this one waits for: one of the movers, or NOBODY. */
static unsigned waits_for(const struct accounts *accounts, unsigned number)
{
	unsigned wants = atomic_load(&accounts->movers[number].wants);
	unsigned holder = 0;

	if (wants == 0) {
		return NOBODY;
	}
	pid_t owner = mutex_owner(&accounts->locks[wants - 1], NULL);
	while (holder < MOVERS && process_pid(processes[holder]) != owner) {
		holder++;
	}
	return holder;
}

/* Whether one who goes from each to whom it waits for comes back to where it began. */
static bool goes_round(const struct accounts *accounts)
{
	unsigned at = 0;

	for (unsigned steps = 0; steps < MOVERS; steps++) {
		at = waits_for(accounts, at);
		if (at == NOBODY) {
			return false;
		}
	}
	return at == 0;
}

/* Looks twice: things move while one looks, but who is in a circle stays there. */
static bool is_deadlock(const struct accounts *accounts)
{
	if (!goes_round(accounts)) {
		return false;
	}
	return goes_round(accounts);
}

struct watch {
	const struct accounts *accounts;
	bool deadlock;
};

static bool is_decided(void *context)
{
	struct watch *watch = context;

	watch->deadlock = is_deadlock(watch->accounts);
	return watch->deadlock || atomic_load(&watch->accounts->moved) == MOVERS;
}

/* Until all have both locks, or nobody ever will. */
static bool watch_movers(struct lab *lab, const struct accounts *accounts)
{
	struct watch watch = { accounts, false };

	lab_expect(lab, lab_eventually(is_decided, &watch), "%s, the watcher knows how it ends",
		   accounts->ordered ? "in one order" : "in two orders");
	return watch.deadlock;
}

static void show_circle(struct lab *lab, const struct accounts *accounts)
{
	for (unsigned i = 0; i < MOVERS; i++) {
		unsigned wants = atomic_load(&accounts->movers[i].wants);
		if (wants != 0) {
			lab_show(lab, "the watcher sees",
				 "mover %u waits for lock %c, held by mover %u", i + 1,
				 lock_name(wants - 1), waits_for(accounts, i) + 1);
		}
	}
}

/* The killed one cannot note its own wait any more. */
static void end_one(struct lab *lab, struct accounts *accounts)
{
	const unsigned victim = MOVERS - 1;

	lab_note(lab, victim, LAB_WAITS, "waits for ever",
		 atomic_load(&accounts->movers[victim].since_ns));
	process_kill(processes[victim]);
	lab_expect(lab, lab_finish(lab, processes[victim]) == -SIGKILL, "the watcher kills one");
	lab_expect(lab, lab_finish(lab, processes[0]) == 0 && atomic_load(&accounts->moved) == 1,
		   "the other gets its lock, for a robust lock outlives its holder");
}

static void run_in_two_orders(struct lab *lab, struct accounts *accounts)
{
	accounts->movers[0] = (struct mover){ .order = { 0, 1 } };
	accounts->movers[1] = (struct mover){ .order = { 1, 0 } };
	lab_part(lab, "a then b, and b then a", "mover");
	start_movers(accounts);
	bool deadlock = watch_movers(lab, accounts);
	lab_expect(lab, deadlock, "each waits for the other: a circle");
	show_circle(lab, accounts);
	clock_sleep(2 * STEP_NS);
	lab_expect(lab, is_deadlock(accounts), "and stays one: time does not help");
	end_one(lab, accounts);
}

static void run_in_one_order(struct lab *lab, struct accounts *accounts)
{
	accounts->ordered = true;
	atomic_store(&accounts->moved, 0);
	accounts->movers[0] = (struct mover){ .order = { 0, 1 } };
	accounts->movers[1] = (struct mover){ .order = { 0, 1 } };
	lab_part(lab, "both a then b", "mover");
	start_movers(accounts);
	bool deadlock = watch_movers(lab, accounts);
	for (unsigned i = 0; i < MOVERS; i++) {
		lab_finish(lab, processes[i]);
	}
	lab_expect(lab, !deadlock, "no circle: who has b has a already, and waits for nobody");
	lab_expect(lab, atomic_load(&accounts->moved) == MOVERS, "both had both locks");
}

void lab_deadlock(struct lab *lab)
{
	struct accounts *accounts = lab_share(lab, sizeof(*accounts));

	lab_say(lab, "%d processes need two locks, a and b. Each takes one, and then the other;",
		MOVERS);
	lab_say(lab, "a watcher asks who waits for whom, until all are done or a circle closes.");
	own_lab = lab;
	mutex_init(&accounts->locks[0], MUTEX_PLAIN);
	mutex_init(&accounts->locks[1], MUTEX_PLAIN);
	barrier_init(&accounts->together, MOVERS);
	barrier_init(&accounts->one_each, MOVERS);
	run_in_two_orders(lab, accounts);
	run_in_one_order(lab, accounts);
	lab_show_timeline(lab);
}
