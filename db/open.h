/*
 * open: from a URL to a store of the kind that it names.
 */
#ifndef DB_OPEN_H
#define DB_OPEN_H

#include "db/store/store.h"
#include "db/store/tallies.h"

/*
 * Opens the store at URL ("sqlite:FILE" or "json:FILE"), makes it if there is none, brings its
 * schema up to date, all under its lock. NULL when it cannot, and ERROR (STORE_ERROR_SIZE bytes)
 * says why in one line that names the file.
 */
struct store *store_open(const char *url, char *error);

/*
 * As store_open, for who comes after the one that made it: where there is none, a new and empty one
 * would sell all again, and none is made. Waits PATIENCE_NS at most for the lock.
 */
struct store *store_open_made(const char *url, int64_t patience_ns, char *error);

/* Whether URL is one that store_open could open, by its form; ERROR as above. */
bool store_url_is_good(const char *url, char *error);

/* The file that a good URL names. */
const char *store_file_of(const char *url);

/* Whether the file of a good URL is there, and not empty. */
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
