/* Processes: their life, their memory, and what is left of them. */
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/lab/children.h"
#include "client/lab/experiments.h"
#include "client/lab/report.h"
#include "shared/base/log.h"
#include "shared/sync/identity.h"
#include "shared/sync/latch.h"

#define READER_STATUS 7

_Noreturn static int sleep_until_killed(void *argument)
{
	(void)argument;
	for (;;) {
		pause();
	}
}

/*
 * process. Python: p = Process(target=task, name="reader"); p.start(); p.join(timeout);
 * p.is_alive(); p.terminate(); p.exitcode, which is -15 for one ended by signal 15.
 */

struct reading {
	struct latch ready;
	struct latch go;
	_Atomic pid_t parent;
};

static int read_until_told(void *argument)
{
	struct reading *reading = argument;

	atomic_store(&reading->parent, getppid());
	latch_set(&reading->ready);
	latch_wait(&reading->go, LAB_PATIENCE_NS);
	return READER_STATUS;
}

static void show_reader(struct lab *lab, struct reading *reading)
{
	struct process *reader = lab_start("reader", read_until_told, reading);
	char name[LAB_STATUS_SIZE] = "";

	latch_wait(&reading->ready, LAB_PATIENCE_NS);
	lab_status(process_pid(reader), "Name", name);
	lab_show(lab, "name, as ps shows it", "%s", name);
	lab_show(lab, "our pid; the child's", "%d; %d", (int)getpid(), (int)process_pid(reader));
	lab_show(lab, "children that run", "%zu", process_children(NULL, 0));
	lab_expect(lab, strcmp(name, "reader") == 0, "the child has the name that we gave it");
	lab_expect(lab, atomic_load(&reading->parent) == getpid(), "its parent is us");
	lab_expect(lab, !process_join(reader, 50 * NS_PER_MS) && process_alive(reader),
		   "a join for 50 ms gives up, and the child still runs");
	latch_set(&reading->go);
	lab_expect(lab, process_join(reader, LAB_PATIENCE_NS),
		   "told to end, it ends, and the join says so");
	lab_expect(lab, process_exit_status(reader) == READER_STATUS,
		   "its exit code is %d, what its function returned", READER_STATUS);
	process_destroy(reader);
}

static void show_ending_it(struct lab *lab, const char *name, void (*end)(struct process *process),
			   int signal)
{
	struct process *sleeper = lab_start(name, sleep_until_killed, NULL);

	end(sleeper);
	int status = lab_finish(lab, sleeper);
	lab_expect(lab, status == -signal, "%s: the exit code is %d, signal %d with a minus", name,
		   status, signal);
}

void lab_process(struct lab *lab)
{
	lab_say(lab,
		"A child waits to be told to end, and says %d. Two more sleep till we end them.",
		READER_STATUS);
	show_reader(lab, lab_share(lab, sizeof(struct reading)));
	show_ending_it(lab, "terminate", process_terminate, SIGTERM);
	show_ending_it(lab, "kill", process_kill, SIGKILL);
	lab_expect(lab, process_children(NULL, 0) == 0, "all are joined: no child is left");
}

/*
 * isolation. Python: a global `n = 100`, and a child that says `global n; n = 0`: after the join
 * the parent prints 100 still.
 */

static int money = 100;

struct purse {
	int seen_by_child;
	int shared_money;
};

static int spend(void *argument)
{
	struct purse *purse = argument;

	money = 0;
	purse->seen_by_child = money;
	purse->shared_money = 0;
	return 0;
}

void lab_isolation(struct lab *lab)
{
	struct purse *purse = lab_share(lab, sizeof(*purse));

	lab_say(lab,
		"A child sets two variables from 100 to 0: an ordinary one, and one in memory");
	lab_say(lab,
		"that both share. A child has a copy of all other memory, at the same address.");
	money = 100;
	*purse = (struct purse){ .seen_by_child = -1, .shared_money = 100 };
	lab_finish(lab, lab_start("spender", spend, purse));
	lab_show(lab, "ordinary, in the child", "%d", purse->seen_by_child);
	lab_show(lab, "ordinary, in the parent", "%d", money);
	lab_show(lab, "shared", "%d", purse->shared_money);
	lab_expect(lab, purse->seen_by_child == 0, "the child spent its copy");
	lab_expect(lab, money == 100, "the parent's own is untouched");
	lab_expect(lab, purse->shared_money == 0, "only what is shared has changed for both");
}

/* A child of a parent that ends too soon: it tells us itself who it is. */
struct child {
	struct latch born;
	struct latch leave;
	struct identity who;
};

static int stay(void *argument)
{
	struct child *child = argument;

	child->who = identity_own();
	latch_set(&child->born);
	latch_wait(&child->leave, LAB_PATIENCE_NS);
	return 0;
}

/* Called in that parent. The object is never given back: the parent has no time for that. */
static void start_child(struct child *child, const char *name, bool daemon)
{
	const struct process_options options = { .name = name, .daemon = daemon };

	if (!process_start(&options, stay, child)) {
		die("cannot start a process: %m");
	}
	latch_wait(&child->born, LAB_PATIENCE_NS);
}

static bool has_ended(void *context)
{
	const struct identity *who = context;

	return !identity_alive(*who);
}

/*
 * daemon. Python: p.daemon = True before p.start(): when the main process ends, Python ends the
 * child first; a child that is no daemon is waited for.
 */

struct family {
	struct latch complete;
	struct child daemon;
	struct child ordinary;
};

static int start_both(void *argument)
{
	struct family *family = argument;

	start_child(&family->daemon, "daemon", true);
	start_child(&family->ordinary, "ordinary", false);
	latch_set(&family->complete);
	sleep_until_killed(NULL);
}

void lab_daemon(struct lab *lab)
{
	struct family *family = lab_share(lab, sizeof(*family));
	struct process *parent = lab_start("parent", start_both, family);

	lab_say(lab,
		"A parent starts a daemon and an ordinary child, and is killed: the kernel ends");
	lab_say(lab,
		"the daemon (PR_SET_PDEATHSIG). Python's daemons end only if Python still can.");
	latch_wait(&family->complete, LAB_PATIENCE_NS);
	struct identity daemon = family->daemon.who;
	struct identity ordinary = family->ordinary.who;
	lab_show(lab, "parent, daemon, ordinary", "%d, %d, %d", (int)process_pid(parent),
		 (int)daemon.pid, (int)ordinary.pid);
	lab_expect(lab, identity_alive(daemon) && identity_alive(ordinary),
		   "both run while their parent does");
	process_kill(parent);
	lab_expect(lab, lab_finish(lab, parent) == -SIGKILL, "the parent was killed");
	lab_expect(lab, lab_eventually(has_ended, &daemon), "the daemon ended with it");
	lab_expect(lab, identity_alive(ordinary), "the ordinary child runs on");
	latch_set(&family->ordinary.leave);
	lab_expect(lab, lab_eventually(has_ended, &ordinary), "until it has done its work");
}

/*
 * zombie. Python: a child has ended while its parent sleeps instead of joining: `ps` shows it as
 * Z, <defunct>.
 */

static int end_at_once(void *argument)
{
	(void)argument;
	return 0;
}

static bool is_zombie(void *context)
{
	const pid_t *pid = context;
	char state[LAB_STATUS_SIZE] = "";

	return lab_status(*pid, "State", state) && state[0] == 'Z';
}

void lab_zombie(struct lab *lab)
{
	struct process *child = lab_start("short-lived", end_at_once, NULL);
	pid_t pid = process_pid(child);
	char state[LAB_STATUS_SIZE] = "gone";

	lab_say(lab,
		"A child ends at once; we do not join it yet. Its exit code must be kept for us,");
	lab_say(lab, "so the kernel keeps its entry, and nothing else of it.");
	bool zombie = lab_eventually(is_zombie, &pid);
	lab_status(pid, "State", state);
	lab_show(lab, "state before the join", "%s", state);
	lab_expect(lab, zombie, "it is a zombie: /proc/%d is still there", (int)pid);
	lab_expect(lab, lab_finish(lab, child) == 0, "the join gets its exit code");
	bool there = lab_status(pid, "State", state);
	lab_show(lab, "state after the join", "%s", there ? state : "gone");
	lab_expect(lab, !there, "the entry is gone");
}

/*
 * orphan. Python: the parent exits (os._exit, or it is killed) while a child still sleeps; the
 * child's os.getppid() is 1 from then on.
 */

static int leave_a_child_behind(void *argument)
{
	start_child(argument, "orphan", false);
	return 0;
}

void lab_orphan(struct lab *lab)
{
	struct child *child = lab_share(lab, sizeof(*child));
	struct process *parent = lab_start("parent", leave_a_child_behind, child);
	pid_t old_parent = process_pid(parent);
	char new_parent[LAB_STATUS_SIZE] = "nobody";
	char name[LAB_STATUS_SIZE] = "?";

	lab_say(lab,
		"A parent ends while its child still works. Somebody must fetch the child's exit");
	lab_say(lab, "code one day: the kernel gives it to init, or to who offered to adopt.");
	lab_expect(lab, lab_finish(lab, parent) == 0, "the parent has ended");
	lab_status(child->who.pid, "PPid", new_parent);
	lab_status((pid_t)strtol(new_parent, NULL, 10), "Name", name);
	lab_show(lab, "its parent was", "%d", (int)old_parent);
	lab_show(lab, "its parent is", "%s (%s)", new_parent, name);
	lab_expect(lab, identity_alive(child->who), "the child is alive");
	lab_expect(lab, strtol(new_parent, NULL, 10) != old_parent, "it was adopted");
	latch_set(&child->leave);
	lab_expect(lab, lab_eventually(has_ended, &child->who),
		   "it ends by itself, and who adopted it reaps it");
}
