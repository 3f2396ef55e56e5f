/*
 * filter: system calls by role, through libseccomp. What a role needs is allowed; what nobody
 * should ever try here (execve, ptrace, mount and their like) ends the process; all else is
 * unknown: ENOSYS, which the C library takes as an older kernel's answer.
 */
#ifndef SERVER_SANDBOX_FILTER_H
#define SERVER_SANDBOX_FILTER_H

#include <stdbool.h>

/* Loads the filter for RIGHTS (enum sandbox_right); false where it cannot be, errno says why. */
bool filter_load(unsigned rights);

#endif
