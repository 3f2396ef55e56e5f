/*
 * root: another root folder for the processes that the master starts: what is outside of it has no
 * name there. It holds on kernels without Landlock, too.
 *
 * chroot(2) is for who has that capability, so it is there only where the server was started as
 * root, to become --user: of all that root may, the master keeps this one, and each process that it
 * starts gives it up once it is in. Where that cannot be, false is said and nothing else changes.
 */
#ifndef SERVER_SANDBOX_ROOT_H
#define SERVER_SANDBOX_ROOT_H

#include <stdbool.h>

/* While it is root still: the change of the user is not to take the capability along. */
void root_before_user(void);

/*
 * After that change: gives up all other capabilities, and makes an empty folder that has no name:
 * nothing can be put into it.
 */
void root_after_user(void);

/* The descriptor of that folder, for those that are to enter it; -1: there is none. */
int root_empty(void);

/* The root is FOLDER now, or the empty one if it is NULL; the capability is given up. */
bool root_enter(const char *folder);

#endif
