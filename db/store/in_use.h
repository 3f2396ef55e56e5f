/*
 * in_use: a mark on a store's own file that somebody has it open, apart from the lock beside it.
 *
 * The lock file can be taken away by whoever cleans up old files, and who then makes a new one
 * would have a second lock on the same store. So who has a store open marks its file (a shared lock
 * on a byte beyond its end, fcntl(2), open file description locks), and who finds no lock file
 * looks for that mark first. SQLite's locks are on other bytes and of another kind.
 */
#ifndef DB_STORE_IN_USE_H
#define DB_STORE_IN_USE_H

#include <stdbool.h>

/* Marks the file behind DESCRIPTOR, for as long as what was opened there is. False with errno. */
bool in_use_mark(int descriptor);

/*
 * Whether somebody has marked the store at STORE_PATH. Opens and closes it: not for a process that
 * has it open in SQLite, whose locks would go with that.
 */
bool in_use_is_marked(const char *store_path);

#endif
