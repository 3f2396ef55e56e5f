/*
 * sandbox: what a process of the server may still do once it has begun: what its role needs.
 *
 * A bug that lets a stranger run code in a worker shall not give away the machine. Each process
 * enters for itself and for good, before it reads a byte of a client's; what it starts afterwards
 * is bound, too, and may only enter what is narrower. So the master, which starts the others, may
 * what any of them may. Where the kernel lacks a part, the rest holds, and who asks is told.
 */
#ifndef SERVER_SANDBOX_SANDBOX_H
#define SERVER_SANDBOX_SANDBOX_H

#include "server/sandbox/rights.h"

/* The parts, as bits: which are in force. */
enum sandbox_part {
	SANDBOX_NO_NEW_PRIVILEGES = 1, /* no program with a set-user-id bit gives any */
	SANDBOX_NOT_DUMPABLE = 2,      /* no core file, and no stranger looks into its memory */
	SANDBOX_FILTER = 4,            /* of system calls: seccomp(2) */
	SANDBOX_LANDLOCK = 8,          /* of files, ports and signals: landlock(7) */
	SANDBOX_ROOT = 16              /* a root folder of its own: root.h */
};

#define SANDBOX_TEXT_SIZE 64 /* bytes of the parts' names, a NUL counted in */

/*
 * Binds the calling process, which has no other thread yet, to its ROLE. Returns the parts in
 * force. A part that this kernel or this build lacks is left out: that is the caller's to say.
 */
unsigned sandbox_enter(enum sandbox_role role, const struct sandbox_paths *paths);

/* "no-new-privs,undumpable,filter,landlock,root": those of PARTS; "off" when there are none. */
const char *sandbox_text(unsigned parts, char text[SANDBOX_TEXT_SIZE]);

#endif
