/*
 * server: the real turnstiled, for tests of the whole programs.
 *
 * It runs on ports that the system chose, with its state in a folder of its own. It ends with the
 * test's process whatever becomes of that (PR_SET_PDEATHSIG), and all that it started is ended and
 * waited for. What does not happen in time fails the test and shows what the server logged.
 *
 *	static struct turnstiled server;
 *	static void finish(void) { turnstiled_finish(&server); }
 *
 *	Test(programs, it_answers, .fini = finish)
 *	{
 *		turnstiled_init(&server, TURNSTILED);
 *		turnstiled_start(&server, "--workers", "2");
 *		...
 *		cr_assert_eq(turnstiled_stop(&server), 0);
 *	}
 */
#ifndef TESTS_SUPPORT_SERVER_H
#define TESTS_SUPPORT_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "tests/support/folder.h"

struct process;

#define TURNSTILED_SOCKETS_MAX 4

struct turnstiled {
	const char *program;
	struct folder folder;    /* its state; kept from one start to the next */
	struct process *process; /* the master, or the first of those that replaced each other */
	pid_t group;             /* of all of its processes */
	pid_t pid;               /* the master's, as "ready" said it; 0 when it does not run */
	unsigned workers;
	uint16_t lines_port, echo_port, http_port; /* 0: no such listener */
	uint16_t tls_port, https_port;             /* likewise */
	int output;                                /* its stdout */
	int passed[TURNSTILED_SOCKETS_MAX];        /* sockets that it gets as a service manager's */
	size_t passed_count;
	void (*before_exec)(void); /* called in the child before it becomes the server; or NULL */
	char passed_names[64];     /* LISTEN_FDNAMES; "": not set */
	bool says_rate; /* the test does, also in a file; else there is none: tests talk fast */
};

/* Makes the folder. PROGRAM is TURNSTILED, which the build defines for tests/programs. */
void turnstiled_init(struct turnstiled *server, const char *program);

/*
 * Passes it this socket at each start from now on, as a service manager would; it stays the test's,
 * too. Without a NAME none of them gets one. The server then gets no --listen but the test's.
 */
void turnstiled_pass(struct turnstiled *server, int socket, const char *name);

/*
 * Starts it, with further arguments, and waits until it is ready. It may be started again after a
 * stop or kill: with the same store, on other ports.
 */
#define turnstiled_start(server, ...) \
	turnstiled_start_with(server, (const char *const[]){ __VA_ARGS__ __VA_OPT__(, ) NULL })
void turnstiled_start_with(struct turnstiled *server, const char *const *arguments);

/*
 * SIGUSR2, and waits until another master serves in place of this one, which has to end with 0.
 * What it listens on stays.
 */
void turnstiled_upgrade(struct turnstiled *server);

/* SIGTERM; returns the exit status (-N if signal N ended it). No process of it may be left. */
int turnstiled_stop(struct turnstiled *server);

/* SIGKILL to the master; the workers must end by themselves. */
void turnstiled_kill(struct turnstiled *server);

/* Ends all that still runs and removes the folder. Fine at any time, also twice. */
void turnstiled_finish(struct turnstiled *server);

#endif
