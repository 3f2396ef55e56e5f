/*
 * identity: which process, also when its pid is another's by now.
 *
 * A pid alone does not say whether the process that wrote it into shared memory still lives: it may
 * have been given to a new one. Its start time beside it does (proc(5), the field `starttime`). All
 * who compare identities see the same pids (one pid namespace). Where /proc cannot be read the pid
 * has to do. What processes leave behind when they are killed is found with this.
 */
#ifndef SHARED_SYNC_IDENTITY_H
#define SHARED_SYNC_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct identity {
	pid_t pid;
	uint64_t started; /* clock ticks since the boot; 0: not known */
};

/* The calling process's own; found out once a process, so it costs nothing. */
struct identity identity_own(void);

bool identity_equal(struct identity one, struct identity other);

/* Whether that process still runs. One that ended and is not yet reaped does not. */
bool identity_alive(struct identity who);

#endif
