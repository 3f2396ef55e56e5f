/*
 * open: from a URL to a store of the kind that it names.
 */
#ifndef DB_OPEN_H
#define DB_OPEN_H

#include <limits.h>

#include "db/store/store.h"
#include "db/store/tallies.h"

/*
 * Opens the store at URL ("sqlite:FILE", "json:FILE" or "postgresql://…"), makes it if there is
 * none, brings its schema up to date, all under its lock. NULL when it cannot, and ERROR
 * (STORE_ERROR_SIZE bytes) says why in one line that names the file.
 */
struct store *store_open(const char *url, char *error);

/*
 * As store_open, for who comes after the one that made it: where there is none, a new and empty one
 * would sell all again, and none is made. Waits PATIENCE_NS at most for the lock.
 */
struct store *store_open_made(const char *url, int64_t patience_ns, char *error);

/* Whether URL is one that store_open could open, by its form; ERROR as above. */
bool store_url_is_good(const char *url, char *error);

/* Whether a good URL names a file, and which. Else it is a database's, and the rest of the URL. */
bool store_is_file(const char *url);
const char *store_file_of(const char *url);

/* What who opens a database has to reach. */
#define STORE_REACH_FILES 4
struct store_reach {
	unsigned port;                           /* TCP; 0: a local socket */
	char files[STORE_REACH_FILES][PATH_MAX]; /* that are read then; "": none */
};

/* False, and REACH is as it was, when URL names a file. */
bool store_reach(const char *url, struct store_reach *reach);

/*
 * Whether the database of a URL that cannot be opened does not answer, or not yet: then it may do
 * later. Waits for it, some seconds at most.
 */
bool store_is_away(const char *url);

/*
 * Whether who is bound, and looks up no name, can find the database of a URL, since this process
 * has tried to open it before.
 */
bool store_can_be_found(const char *url);

/*
 * The lock of a store that is no file is to lie in FOLDER: one for all of this machine's servers.
 */
void store_lock_in(const char *folder);

/*
 * That lock, also while the database is away; its memory stays mapped. NULL when it cannot be had,
 * and ERROR says why; or when URL names a file.
 */
struct mutex *store_lock(const char *url, char *error);

/*
 * Which database the store at URL is, in a process that has opened it: a random number that was
 * made with it; 0: not known, or a file. And what it must be, where another process opened it: what
 * is in its place is refused.
 */
uint64_t store_identity(const char *url);
void store_expect(const char *url, uint64_t identity);

/* Whether the file of a good URL is there, and not empty; or its database has a store. */
bool store_is_there(const char *url);

/*
 * Counts all tickets of the store at URL as it is at one moment, while others go on selling: the
 * lock is held for that moment alone. What is counted is committed and on disk. Fills TALLIES,
 * which are empty, and the caller's to finish. STORE_NONE: LEAVE said no, or the lock could not be
 * had; STORE_FAILED: ERROR says why. For a thread that may block.
 */
enum store_result store_count(const char *url, const struct store_count_leave *leave,
			      struct tallies *tallies, char *error);

/*
 * This process has the folder of FILE, its store's, as its root now: whatever URL names that store,
 * its file is found there.
 */
void store_is_in_root(const char *file);

#endif
