/*
 * fork(2) and then pidfd_open(2): nobody but this file waits for the child, so its pid cannot be
 * another's by then, and fork runs the handlers that pthread and malloc need.
 */
#include "shared/process/process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "shared/base/log.h"

#define EXIT_CANNOT_RUN 127 /* as the shell has it */
#define EXIT_UNKNOWN    255 /* somebody else reaped it */

struct process {
	struct process *next; /* among those that run */
	int descriptor;       /* pidfd */
	pid_t pid;
	bool ended;
	int status;
	char name[PROCESS_NAME_SIZE];
};

/* The children of this process that are not reaped, oldest first. */
static struct process *running;

static void list_add(struct process *process)
{
	struct process **link = &running;

	while (*link) {
		link = &(*link)->next;
	}
	*link = process;
}

static void list_remove(struct process *process)
{
	struct process **link = &running;

	while (*link && *link != process) {
		link = &(*link)->next;
	}
	if (*link) {
		*link = process->next;
	}
	process->next = NULL;
}

/* In a child: those were its parent's. Whoever still has a pointer to one finds it ended. */
static void list_forget(void)
{
	while (running) {
		struct process *process = running;
		close(process->descriptor);
		process->descriptor = -1;
		process->ended = true;
		process->status = EXIT_UNKNOWN;
		list_remove(process);
	}
}

/*
 * What the parent catches, ignores or blocks is its own affair. A write past the limit of a file's
 * size is to fail, and not to kill, in each process (inherited.h).
 */
static void reset_signals(void)
{
	struct sigaction standard = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int number = 1; number <= SIGRTMAX; number++) {
		sigaction(number, &standard, NULL); /* fails for KILL and STOP: nothing to reset */
	}
	(void)signal(SIGXFSZ, SIG_IGN);
	sigemptyset(&none);
	pthread_sigmask(SIG_SETMASK, &none, NULL);
}

static int by_number(const void *a, const void *b)
{
	int first = *(const int *)a;
	int second = *(const int *)b;

	return (first > second) - (first < second);
}

static void close_between(unsigned from, unsigned to)
{
	if (from <= to && close_range(from, to, 0) != 0) {
		bug("close_range: %m");
	}
}

/* The child's copy of the list is sorted: there may be thousands. */
static void close_others(const struct process_options *options)
{
	unsigned from = STDERR_FILENO + 1;
	int *keep = malloc((options->keep_count + 1) * sizeof(*keep));

	if (!keep) {
		die("out of memory");
	}
	memcpy(keep, options->keep, options->keep_count * sizeof(*keep));
	qsort(keep, options->keep_count, sizeof(*keep), by_number);
	for (size_t i = 0; i < options->keep_count; i++) {
		if ((unsigned)keep[i] >= from) {
			close_between(from, (unsigned)keep[i] - 1);
			from = (unsigned)keep[i] + 1;
		}
	}
	close_between(from, UINT_MAX);
	free(keep);
}

/* The first that a child does. Its signals are blocked until here. */
static void settle(const struct process_options *options, pid_t parent)
{
	list_forget();
	reset_signals();
	prctl(PR_SET_NAME, options->name);
	if (options->daemon) {
		process_end_with_parent(parent);
	}
	if (options->keep) {
		close_others(options);
	}
}

void process_end_with_parent(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) {
		bug("PR_SET_PDEATHSIG: %m");
	}
	if (getppid() != parent) {
		_exit(EXIT_FAILURE);
	}
}

/* Who started us may have ignored SIGCHLD, and then ended children leave no status. */
static void mind_children(void)
{
	struct sigaction action;

	if (sigaction(SIGCHLD, NULL, &action) == 0 && action.sa_handler == SIG_IGN) {
		(void)signal(SIGCHLD, SIG_DFL);
	}
}

/* As fork(2), with all signals blocked in the child: the parent's handlers must not run there. */
static pid_t fork_blocked(void)
{
	sigset_t all;
	sigset_t before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pid_t pid = fork();
	int saved_errno = errno;
	if (pid != 0) {
		pthread_sigmask(SIG_SETMASK, &before, NULL);
	}
	errno = saved_errno;
	return pid;
}

static void abandon(pid_t pid)
{
	int saved_errno = errno;

	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
		/* again */
	}
	errno = saved_errno;
}

/* Forks; what stands in PROCESS afterwards is the parent's alone. */
static bool launch(struct process *process, const struct process_options *options,
		   int (*run)(void *argument), void *argument)
{
	pid_t parent = getpid();

	mind_children();
	process->pid = fork_blocked();
	if (process->pid == 0) {
		settle(options, parent);
		_exit(run(argument));
	}
	if (process->pid < 0) {
		return false;
	}
	process->descriptor = pidfd_open(process->pid, 0);
	if (process->descriptor >= 0) {
		return true;
	}
	abandon(process->pid);
	return false;
}

struct process *process_start(const struct process_options *options, int (*run)(void *argument),
			      void *argument)
{
	struct process *process = calloc(1, sizeof(*process));

	if (!process) {
		return NULL;
	}
	(void)snprintf(process->name, sizeof(process->name), "%s", options->name);
	if (!launch(process, options, run, argument)) {
		free(process);
		return NULL;
	}
	list_add(process);
	return process;
}

struct program {
	const struct process_options *options;
	char *const *argv;
};

static int run_program(void *argument)
{
	const struct program *program = argument;
	const struct process_options *options = program->options;

	for (size_t i = 0; options->keep && i < options->keep_count; i++) {
		fcntl(options->keep[i], F_SETFD, 0);
	}
	execvp(program->argv[0], program->argv);
	log_error("%s cannot be run: %m", program->argv[0]);
	return EXIT_CANNOT_RUN;
}

struct process *process_run(const struct process_options *options, char *const argv[])
{
	struct program program = { .options = options, .argv = argv };

	return process_start(options, run_program, &program);
}

static void note_end(struct process *process, const siginfo_t *info)
{
	process->ended = true;
	process->status = info->si_code == CLD_EXITED ? info->si_status : -info->si_status;
	list_remove(process);
}

/* Reaps the child if it ended. */
static void reap(struct process *process)
{
	siginfo_t info = { .si_pid = 0 };
	siginfo_t lost = { .si_code = CLD_EXITED };

	if (waitid(P_PIDFD, (id_t)process->descriptor, &info, WEXITED | WNOHANG) == 0) {
		if (info.si_pid != 0) {
			note_end(process, &info);
		}
		return;
	}
	if (errno != ECHILD) {
		bug("waitid: %m");
	}
	log_warning("%s (pid %d) was reaped by somebody else", process->name, (int)process->pid);
	lost.si_status = EXIT_UNKNOWN;
	note_end(process, &lost);
}

bool process_alive(struct process *process)
{
	if (!process->ended) {
		reap(process);
	}
	return !process->ended;
}

/* Until the child ends, or a signal comes, or DEADLINE_NS; false when that is over. */
static bool wait_for_end(const struct process *process, int64_t deadline_ns)
{
	struct pollfd end = { .fd = process->descriptor, .events = POLLIN };
	int64_t left_ns = deadline_ns - clock_monotonic_ns();

	if (left_ns <= 0) {
		return false;
	}
	struct timespec left = clock_timespec(left_ns);
	if (ppoll(&end, 1, &left, NULL) < 0 && errno != EINTR) {
		bug("ppoll: %m");
	}
	return true;
}

bool process_join(struct process *process, int64_t timeout_ns)
{
	int64_t deadline_ns = timeout_ns < 0 ? INT64_MAX : clock_deadline(timeout_ns);

	while (process_alive(process)) {
		if (!wait_for_end(process, deadline_ns)) {
			return false;
		}
	}
	return true;
}

/* ESRCH: it has ended, which is as well. */
void process_signal(struct process *process, int number)
{
	if (process->ended) {
		return;
	}
	if (pidfd_send_signal(process->descriptor, number, NULL, 0) != 0 && errno != ESRCH) {
		log_warning("signal %d to %s: %m", number, process->name);
	}
}

void process_terminate(struct process *process)
{
	process_signal(process, SIGTERM);
}

void process_kill(struct process *process)
{
	process_signal(process, SIGKILL);
}

int process_exit_status(const struct process *process)
{
	if (!process->ended) {
		bug("%s has no exit status: it runs", process->name);
	}
	return process->status;
}

pid_t process_pid(const struct process *process)
{
	return process->pid;
}

const char *process_name(const struct process *process)
{
	return process->name;
}

int process_descriptor(const struct process *process)
{
	return process->descriptor;
}

size_t process_children(struct process **list, size_t room)
{
	size_t count = 0;
	struct process *next;

	for (struct process *process = running; process; process = next) {
		next = process->next;
		if (!process_alive(process)) {
			continue;
		}
		if (count < room) {
			list[count] = process;
		}
		count++;
	}
	return count;
}

static bool is_ours(pid_t pid)
{
	for (const struct process *process = running; process; process = process->next) {
		if (process->pid == pid) {
			return true;
		}
	}
	return false;
}

/* The kernel names one that ended; one of ours it names until it is reaped, and then we go on. */
void process_reap_strangers(void)
{
	siginfo_t info = { .si_pid = 0 };

	while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0 &&
	       !is_ours(info.si_pid)) {
		(void)waitid(P_PID, (id_t)info.si_pid, &info, WEXITED | WNOHANG);
		info.si_pid = 0;
	}
}

void process_destroy(struct process *process)
{
	if (!process) {
		return;
	}
	process_kill(process);
	process_join(process, PROCESS_FOREVER);
	if (process->descriptor >= 0) {
		close(process->descriptor);
	}
	free(process);
}
