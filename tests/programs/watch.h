/*
 * watch: what /proc says of a running server's processes, and a hand that kills some of them.
 *
 * Every pid is looked up among the master's children right before it is signalled, through a pidfd:
 * nobody else is ever hit.
 */
#ifndef TESTS_PROGRAMS_WATCH_H
#define TESTS_PROGRAMS_WATCH_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "tests/support/talk.h"

#define WATCH_CHILDREN_MAX 64

/* The living children of PARENT that serve, zombies counted in; returns how many. */
size_t watch_children(pid_t parent, pid_t children[WATCH_CHILDREN_MAX]);

/* How many of PARENT's children are zombies. */
size_t watch_zombies(pid_t parent);

/* 'R', 'S', 'T', 'Z' and so on as ps shows it; 0 when there is no such process. */
char watch_state(pid_t pid);

/* Memory of its own (RssAnon), in KiB; of all PARENT's children together. */
long watch_memory_kib(pid_t pid);
long watch_children_memory_kib(pid_t parent);

/* How many descriptors are open. */
size_t watch_descriptors(pid_t pid);

/* The processor's time that it has had, in clock ticks (a hundredth of a second). */
long watch_ticks(pid_t pid);

/* Signals a child of PARENT; false if it is none, or no more. */
bool watch_signal(pid_t parent, pid_t child, int signal);

/* Signals one of PARENT's children, chosen by SEED; false if there is none. */
bool watch_signal_any(pid_t parent, unsigned *seed, int signal);

/* Kills a random child of a master every pause, in a thread. */
struct killer {
	pthread_t thread;
	pid_t master;
	int64_t pause_ns;
	unsigned seed;
	_Atomic bool stopping;
	_Atomic unsigned kills;
};

void killer_start(struct killer *killer, pid_t master, int64_t pause_ns);
void killer_stop(struct killer *killer);

/* Who serves this connection: the worker's number, and its pid if PID is not NULL. */
unsigned serving(struct talk *talk, pid_t *pid);

/* The value of that name in /stats. */
long stat_of(struct talk *talk, const char *name);

/* Opens a greeted connection that WORKER serves. */
void open_on(struct talk *talk, uint16_t port, unsigned worker);

/* Waits until each of COUNT workers took a connection. */
void wait_for_workers(uint16_t port, unsigned count);

#endif
