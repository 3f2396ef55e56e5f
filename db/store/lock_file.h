/*
 * lock_file: the lock beside a store, shared by every process that opens it.
 *
 * "FILE-lock" is a small file that all of them map: a robust mutex (shared/sync/mutex.h), and in
 * which pid namespace its holders' numbers mean something. Who has it mapped also has a shared
 * flock(2) on it, which stays with the mapping, in forked children too. So who gets the exclusive
 * one is alone, and makes the lock anew: whatever held it, a process of another boot or another
 * container, is gone. Who does not get it uses the lock as it is, or is refused where its own
 * processes' numbers would be mistaken for others'.
 *
 * A process, and what it forks, uses one lock for a store for its whole life, whatever becomes of
 * the file: it never makes a second one. The mapping is kept until the process ends (a holder that
 * unmapped it and died would leave it locked).
 */
#ifndef DB_STORE_LOCK_FILE_H
#define DB_STORE_LOCK_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/sync/mutex.h"

/*
 * Maps the lock file of the store at STORE_PATH, making it if need be. The same file opened twice
 * in a process is mapped once. NULL when it cannot, and ERROR (STORE_ERROR_SIZE bytes) says why.
 */
struct mutex *lockfile_open(const char *store_path, char *error);

/* The store at FROM has the name TO from now on in this process. */
void lockfile_renamed(const char *from, const char *to);

/*
 * Whether no other file has the name of the one that MUTEX is from: then others may hold another
 * lock. One that was taken away is no other yet: who has the store's mark (in_use.h) keeps others
 * from making it.
 */
bool lockfile_is_the_one(const struct mutex *mutex);

/* Marks the store at STORE_PATH as in use until this process and what it forked have ended. */
bool lockfile_mark_store(const char *store_path);

/*
 * Notes that this process serves the store as SERVER, a number that is nobody else's, until it has
 * ended: locks on the lock file's bytes (fcntl(2), open file description locks), one that all
 * servers share and one of its own, which go with it. True if nobody else served it. False with
 * errno if it cannot be noted.
 */
bool lockfile_serve(const char *store_path, uint32_t server);

/*
 * The descriptor that these locks go with, for another process that goes on as the same server; -1:
 * this one does not serve. And what such a process does with it: it keeps it until it has ended.
 */
int lockfile_serving(void);
void lockfile_go_on_serving(int descriptor);

/*
 * Whether that server still serves the store whose lock this is: the kernel knows; as if it did
 * where that cannot be told. And a number that is another one when a server came or went.
 */
bool lockfile_is_served_by(const struct mutex *mutex, uint32_t server);
uint64_t lockfile_servers(const struct mutex *mutex);

#endif
