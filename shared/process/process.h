/*
 * process: a child process, as an object.
 *
 * The shape is that of Python's multiprocessing.Process, with what it lacks: the end of a child is
 * a descriptor to wait for (pidfd_open(2)), so there is no SIGCHLD handler and no race on pids, and
 * a daemon ends with its parent also when the parent is killed (PR_SET_PDEATHSIG). Whoever starts a
 * process owns the object and gives it back with process_destroy, which reaps: no zombie is left.
 * Not for use from more than one thread. The server's workers are started with it.
 */
#ifndef SHARED_PROCESS_PROCESS_H
#define SHARED_PROCESS_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PROCESS_NAME_SIZE 32
#define PROCESS_FOREVER   (-1) /* a time-out that never comes */

struct process;

struct process_options {
	const char *name; /* kept by copy; its first 15 bytes are what ps and top show; not NULL */
	bool daemon;      /* gets SIGKILL when the thread that started it ends, whatever ended it */
	/*
	 * Descriptors above 2 that the child keeps; all others are closed in it. With keep NULL
	 * all stay open as fork(2) leaves them (for process_run: all that are not close-on-exec).
	 */
	const int *keep;
	size_t keep_count;
};

/*
 * Forks a child that calls RUN(ARGUMENT) and ends with what it returns (0 to 255), by _exit, so no
 * atexit handler or buffer of the parent's runs twice; what RUN writes to a stdio stream it has to
 * flush. In the child no signal is caught, ignored (XFSZ is: inherited.h) or blocked, whatever the
 * parent does. The child of a child may be started with this too. NULL with errno set when it
 * cannot.
 */
struct process *process_start(const struct process_options *options, int (*run)(void *argument),
			      void *argument);

/*
 * Forks a child that runs the program ARGV[0] (searched in PATH) with ARGV, which ends with NULL.
 * NULL with errno set when it cannot fork; a program that cannot be run ends with 127.
 */
struct process *process_run(const struct process_options *options, char *const argv[]);

/* Waits until the child ended, TIMEOUT_NS at most; true if it ended, and then it is reaped. */
bool process_join(struct process *process, int64_t timeout_ns);

/* A signal to the child, by pidfd, so never to another that got its pid; SIGTERM; SIGKILL. */
void process_signal(struct process *process, int number);
void process_terminate(struct process *process);
void process_kill(struct process *process);

/* Whether it still runs; reaps it if not. */
bool process_alive(struct process *process);

/* How it ended: 0 to 255 if it exited, -N if signal N ended it. A bug while it is alive. */
int process_exit_status(const struct process *process);

pid_t process_pid(const struct process *process);
const char *process_name(const struct process *process);

/* Becomes readable when the child ends (poll, epoll); owned by the object. */
int process_descriptor(const struct process *process);

/*
 * The children of this process that were started here and still run: writes up to ROOM of them
 * into LIST, oldest first, and returns how many there are. LIST may be NULL with ROOM 0.
 */
size_t process_children(struct process **list, size_t room);

/*
 * Reaps ended children that nobody started here. A process 1, or one that was started with children
 * of somebody else's (a shell's that ran it by exec), inherits orphans, and they stay zombies until
 * it waits for them. Those that were started here are left to their objects.
 */
void process_reap_strangers(void);

/* Kills the child if it still runs, reaps it, frees the object. NULL is fine. */
void process_destroy(struct process *process);

/*
 * Makes the calling process end with its parent: for a daemon that changed its user, since that
 * clears the flag. PARENT is the pid that the parent had; when it is gone already, this exits.
 */
void process_end_with_parent(pid_t parent);

#endif
