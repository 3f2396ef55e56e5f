/*
 * lock_file: the lock beside a store, shared by every process that opens it.
 *
 * "FILE-lock" is a small file that all of them map: a robust mutex (shared/sync/mutex.h) and the
 * boot it was made in. A file of another boot is made anew, since a lock held when the power went
 * would be held forever: nobody can hold it any more. Making and checking it happens under
 * flock(2), so two that start at once agree. The file is never deleted, and the mapping is kept
 * until the process ends (a holder that unmapped it and died would leave it locked).
 */
#ifndef DB_STORE_LOCK_FILE_H
#define DB_STORE_LOCK_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/sync/mutex.h"

/*
 * Maps the lock file of the store at STORE_PATH, making it if need be. The same file opened twice
 * in a process is mapped once. NULL with errno set when it cannot.
 */
struct mutex *lockfile_open(const char *store_path);

/*
 * Notes that this process serves the store as SERVER, a number that is nobody else's, until it has
 * ended: locks on the lock file's bytes (fcntl(2), open file description locks), one that all
 * servers share and one of its own, which go with it. True if nobody else served it. False with
 * errno if it cannot be noted.
 */
bool lockfile_serve(const char *store_path, uint32_t server);

/*
 * Whether that server still serves the store whose lock this is: the kernel knows; as if it did
 * where that cannot be told. And a number that is another one when a server came or went.
 */
bool lockfile_is_served_by(const struct mutex *mutex, uint32_t server);
uint64_t lockfile_servers(const struct mutex *mutex);

#endif
