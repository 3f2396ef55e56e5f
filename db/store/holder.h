/*
 * store_holder: who holds a store's lock, for people to read: a process by its number and its name.
 *
 * What is told may be over by the time it is read. It goes into logs and answers, so a name that
 * its process chose is shown in plain characters only.
 */
#ifndef DB_STORE_HOLDER_H
#define DB_STORE_HOLDER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "shared/sync/mutex.h"

#define STORE_HOLDER_NAME_SIZE 16 /* bytes, a NUL counted in: as long as the kernel keeps one */

struct store_holder {
	pid_t pid;
	char name[STORE_HOLDER_NAME_SIZE]; /* "process" where it is not known */
	int64_t held_ns;                   /* for how long now */
};

/* False when nobody holds it. */
bool store_holder_find(const struct mutex *mutex, struct store_holder *holder);

/* What is not a plain character of ASCII, or is a space, becomes '?'. */
void store_holder_show_plainly(char *name);

/*
 * Writes to ERROR (STORE_ERROR_SIZE bytes) that the lock of the store at PATH could not be had, and
 * who holds it. Always false.
 */
bool store_held(const struct mutex *mutex, const char *path, char *error);

#endif
