#include "tests/support/child.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __x86_64__
#include <ucontext.h>
#include <x86intrin.h>
#endif

#define TRAP_FLAG   0x100U
#define STEPS_MAX   100000 /* of which the addresses are kept */
#define PLACES_MAX  400    /* at how many addresses to kill */
#define LATER_KILLS 15     /* and at how many counted steps, which take longer to come to */
#define BREAKPOINT  0xcc   /* int3: the process dies of SIGTRAP right there */

/* Forks; in the child 0. */
static pid_t fork_bound(void)
{
	pid_t parent = getpid();
	pid_t pid = fork();

	cr_assert_geq(pid, 0, "fork: errno %d", errno);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent) {
			_exit(CHILD_FAILED);
		}
	}
	return pid;
}

struct child child_start(int (*run)(void *argument), void *argument)
{
	struct child child = { .pid = fork_bound() };

	if (child.pid == 0) {
		_exit(run(argument));
	}
	return child;
}

static void note_status(struct child *child, int status)
{
	child->ended = true;
	child->status = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static bool ends_in_time(pid_t pid)
{
	int descriptor = pidfd_open(pid, 0);
	struct pollfd end = { .fd = descriptor, .events = POLLIN };

	cr_assert_geq(descriptor, 0, "pidfd_open: errno %d", errno);
	int ready = poll(&end, 1, (int)(CHILD_PATIENCE_NS / NS_PER_MS));
	close(descriptor);
	return ready == 1;
}

static void reap(struct child *child)
{
	int status;

	cr_assert_eq(waitpid(child->pid, &status, 0), child->pid);
	note_status(child, status);
}

int child_join(struct child *child)
{
	if (child->ended) {
		return child->status;
	}
	bool in_time = ends_in_time(child->pid);
	if (!in_time) {
		kill(child->pid, SIGKILL);
	}
	reap(child);
	if (!in_time) {
		child->status = CHILD_STUCK;
	}
	return child->status;
}

int child_kill(struct child *child)
{
	if (!child->ended) {
		kill(child->pid, SIGKILL);
	}
	return child_join(child);
}

int child_run(int (*run)(void *argument), void *argument)
{
	struct child child = child_start(run, argument);

	return child_join(&child);
}

struct caught {
	int (*run)(void *argument);
	void *argument;
	int from;
	int to;
};

static int run_caught(void *argument)
{
	const struct caught *caught = argument;

	child_check(dup2(caught->to, caught->from) == caught->from);
	return caught->run(caught->argument);
}

int child_run_caught(int (*run)(void *argument), void *argument, int from, char *text, size_t size)
{
	struct caught caught = { run, argument, from, memfd_create("caught", MFD_CLOEXEC) };

	cr_assert_geq(caught.to, 0);
	int status = child_run(run_caught, &caught);
	ssize_t length = pread(caught.to, text, size - 1, 0);
	cr_assert_geq(length, 0);
	text[length] = '\0';
	close(caught.to);
	return status;
}

/*
 * With the trap flag set the processor raises SIGTRAP after every instruction. The flag is kept in
 * what the handler returns to, so the handler itself is not traced.
 */
struct stepping {
	int (*run)(void *argument);
	void *argument;
	long steps;
	int signal;
	uintptr_t *trace; /* where the addresses of all steps go, or NULL */
};

static volatile long steps_done;
static struct stepping stepping;

static void skip_unless_countable(void)
{
#ifndef __x86_64__
	cr_skip_test("instructions cannot be counted on this processor");
#endif
}

static void switch_stepping(bool on)
{
#ifdef __x86_64__
	unsigned long long flags = __readeflags() & ~(unsigned long long)TRAP_FLAG;

	__writeeflags(on ? flags | TRAP_FLAG : flags);
#else
	(void)on;
#endif
}

#ifdef __x86_64__
static void on_step(int number, siginfo_t *info, void *context)
{
	ucontext_t *interrupted = context;
	long done = steps_done++;

	(void)number;
	(void)info;
	if (stepping.trace && done < STEPS_MAX) {
		stepping.trace[done] = (uintptr_t)interrupted->uc_mcontext.gregs[REG_RIP];
	}
	if (done < stepping.steps) {
		return;
	}
	interrupted->uc_mcontext.gregs[REG_EFL] &= ~(greg_t)TRAP_FLAG;
	kill(getpid(), stepping.signal);
}
#else
static void on_step(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)info;
	(void)context;
}
#endif

static int run_stepping(void *argument)
{
	const struct sigaction action = { .sa_sigaction = on_step, .sa_flags = SA_SIGINFO };

	stepping = *(const struct stepping *)argument;
	child_check(sigaction(SIGTRAP, &action, NULL) == 0);
	switch_stepping(true);
	int status = stepping.run(stepping.argument);
	switch_stepping(false);
	return status;
}

static struct child start_stepping(int (*run)(void *argument), void *argument, long steps,
				   int signal)
{
	struct stepping wanted = {
		.run = run, .argument = argument, .steps = steps, .signal = signal
	};

	skip_unless_countable();
	return child_start(run_stepping, &wanted);
}

struct child child_kill_at(int (*run)(void *argument), void *argument, long steps)
{
	struct child child = start_stepping(run, argument, steps, SIGKILL);

	child_join(&child);
	return child;
}

struct child child_stop_at(int (*run)(void *argument), void *argument, long steps)
{
	struct child child = start_stepping(run, argument, steps, SIGSTOP);
	int status;

	cr_assert_eq(waitpid(child.pid, &status, WUNTRACED), child.pid);
	if (!WIFSTOPPED(status)) {
		note_status(&child, status);
	}
	return child;
}

void child_go_on(struct child *child)
{
	if (!child->ended) {
		kill(child->pid, SIGCONT);
	}
}

/* Runs it once to the end and writes where it came by to TRACE; how many steps it took. */
static long trace_steps(int (*run)(void *argument), void *argument, uintptr_t *trace)
{
	struct stepping wanted = {
		.run = run, .argument = argument, .steps = INT_MAX, .trace = trace
	};
	long steps = 0;

	skip_unless_countable();
	cr_assert_eq(child_run(run_stepping, &wanted), 0);
	while (steps < STEPS_MAX && trace[steps] != 0) {
		steps++;
	}
	return steps;
}

static uintptr_t *make_trace(void)
{
	uintptr_t *trace = mmap(NULL, STEPS_MAX * sizeof(*trace), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	cr_assert_neq(trace, MAP_FAILED);
	return trace;
}

long child_count_steps(int (*run)(void *argument), void *argument)
{
	uintptr_t *trace = make_trace();

	long steps = trace_steps(run, argument, trace);
	munmap(trace, STEPS_MAX * sizeof(*trace));
	return steps;
}

struct breaking {
	int (*run)(void *argument);
	uintptr_t place;
};

/* A child's code is its own as soon as it writes to it; but the kernel's page (vdso) cannot be. */
static int run_breaking(void *argument)
{
	const struct breaking *breaking = argument;
	const struct rlimit no_core = { 0, 0 };
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	void *start = (void *)(breaking->place & ~(page - 1));

	child_check(setrlimit(RLIMIT_CORE, &no_core) == 0);
	if (mprotect(start, page, PROT_READ | PROT_WRITE | PROT_EXEC) != 0) {
		return 0;
	}
	*(volatile unsigned char *)breaking->place = BREAKPOINT;
	return breaking->run(NULL);
}

static int compare_places(const void *a, const void *b)
{
	uintptr_t left = *(const uintptr_t *)a;
	uintptr_t right = *(const uintptr_t *)b;

	return (left > right) - (left < right);
}

/* Leaves each address once; how many there are. */
static long distinct(uintptr_t *trace, long steps)
{
	long count = 0;

	qsort(trace, (size_t)steps, sizeof(*trace), compare_places);
	for (long i = 0; i < steps; i++) {
		if (count == 0 || trace[i] != trace[count - 1]) {
			trace[count++] = trace[i];
		}
	}
	return count;
}

static void kill_at_places(int (*run)(void *argument), void (*prepare)(void),
			   void (*look)(const struct child *dead), const uintptr_t *places,
			   long count)
{
	long kills = count < PLACES_MAX ? count : PLACES_MAX;
	long killed = 0;

	for (long i = 0; i < kills; i++) {
		struct breaking breaking = { run, places[count * i / kills] };
		prepare();
		struct child child = child_start(run_breaking, &breaking);
		if (child_join(&child) == -SIGTRAP) {
			killed++;
		}
		look(&child);
	}
	cr_assert_gt(killed, kills / 2, "killed at %ld of %ld places", killed, kills);
}

void child_kill_everywhere(int (*run)(void *argument), void (*prepare)(void),
			   void (*look)(const struct child *dead))
{
	uintptr_t *trace = make_trace();

	prepare();
	run(NULL);
	prepare();
	long steps = trace_steps(run, NULL, trace);
	for (long i = 0; i < LATER_KILLS; i++) {
		prepare();
		struct child child = child_kill_at(run, NULL, steps * i / LATER_KILLS);
		look(&child);
	}
	kill_at_places(run, prepare, look, trace, distinct(trace, steps));
	munmap(trace, STEPS_MAX * sizeof(*trace));
}

void child_check_failed(const char *file, int line, const char *condition)
{
	dprintf(STDERR_FILENO, "%s:%d: does not hold: %s\n", file, line, condition);
	_exit(CHILD_FAILED);
}
