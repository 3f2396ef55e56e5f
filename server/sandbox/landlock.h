/*
 * landlock: files, ports and signals by role: landlock(7), with the system calls themselves, since
 * the C library has none of them.
 */
#ifndef SERVER_SANDBOX_LANDLOCK_H
#define SERVER_SANDBOX_LANDLOCK_H

#include <stdbool.h>

#include "server/sandbox/rights.h"

/*
 * From now on no file can be opened but what RIGHTS (enum sandbox_right) ask of PATHS, /dev/null,
 * /dev/urandom, and what /proc says of processes; no TCP port can be taken or connected to, and no
 * process outside be signalled, where the kernel knows of these. What is open stays open. False
 * where it cannot be, errno says why.
 */
bool landlock_restrict(unsigned rights, const struct sandbox_paths *paths);

#endif
