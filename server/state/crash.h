/*
 * crash: an operator has a worker crash (--chaos), and is told what that cost.
 *
 * A worker may send no signal to anybody: it notes here what is wanted, and asks the master. The
 * master sends the signal, and writes down who goes on with the connections. Who asked may sit on
 * the worker that ends; so each worker has one such order in shared memory, where its successor
 * finds it.
 *
 * Written by: the worker's loop where it says so, all else by the master. The master believes no
 * more of it than a number of a worker and one of the signals below.
 */
#ifndef SERVER_STATE_CRASH_H
#define SERVER_STATE_CRASH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "server/config/options.h"
#include "shared/text/words.h"

#define CRASH_ALL UINT32_MAX /* all workers */

enum crash_state {
	CRASH_NONE,
	CRASH_NOTED, /* by the worker */
	CRASH_ASKED, /* the master has it, and the signal is sent */
	CRASH_DONE   /* those that ended have successors */
};

/* A worker that got the signal, and what it cost; `pid` 0: nobody was there. */
struct crash_end {
	pid_t pid;
	uint32_t adopted; /* connections */
	int64_t took_ns;  /* until somebody went on with them */
};

struct crash {
	_Atomic uint32_t state; /* the worker: NONE and NOTED; the master the others */
	uint32_t target;        /* the worker: whose place, or CRASH_ALL */
	int32_t signal;         /* the worker */
	uint32_t told_by;       /* the worker: the generation that has asked the master */
	uint32_t seat;          /* the worker: of who wants to know */
	uint64_t session;       /* the worker: likewise; 0: nobody any more */
	struct crash_end ends[OPTIONS_WORKERS_MAX]; /* by place */
};

/* A signal by its name (KILL, SIGKILL) or number; false if it is none of those. */
bool crash_read_signal(struct span word, int *signal);

/* The same for the master: whether it is one of them. */
bool crash_has_signal(int signal);

/* Workers ignore it: they live on. */
bool crash_is_ignored(int signal);

/* Their names, as people read them. */
#define CRASH_SIGNALS "KILL, ABRT, SEGV, BUS, FPE, ILL, SYS, TRAP, QUIT, STOP, TERM or INT"

#endif
