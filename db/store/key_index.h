/*
 * key_index: from a request's key to its ticket's number, in a mapped file beside the store.
 *
 * "FILE-keys" is a hash table that can be made again from the tickets at any time, so it is never
 * synced, takes no part in the transaction and costs no write-ahead log: a UNIQUE index in the
 * database was the largest cost of a booking. It is read and written only under the store's lock.
 * An entry may be false (a ticket that was rolled back): whoever gets a number checks it against
 * the ticket. An entry may not be missing: the file names the boot, the store and the last ticket
 * that it covers, and is brought up to date, or made anew, by whoever opens it or finds it behind.
 */
#ifndef DB_STORE_KEY_INDEX_H
#define DB_STORE_KEY_INDEX_H

#include <stdbool.h>
#include <stdint.h>

struct keyindex;

/*
 * Opens the index of the store at STORE_PATH whose identity is STORE_ID (random, kept in the
 * store). One that is missing, of another boot or of another store is made empty: keyindex_covered
 * says 0. NULL with errno set when it cannot. The lock must be held, here and below.
 */
struct keyindex *keyindex_open(const char *store_path, uint64_t store_id);
void keyindex_close(struct keyindex *index);

/*
 * How far it reaches: every ticket up to NUMBER that has a key is in it. MADE_NS is when that last
 * one was made: a store whose ticket of that number says otherwise is another one (a backup).
 */
struct keyindex_reach {
	int64_t number; /* 0: it covers nothing */
	int64_t made_ns;
};

/* Also looks whether another process replaced the file: call it when the lock is newly taken. */
struct keyindex_reach keyindex_covered(struct keyindex *index);
void keyindex_set_covered(struct keyindex *index, struct keyindex_reach reach);

/* Empties it: what it covers turned out not to be this store's. */
bool keyindex_clear(struct keyindex *index);

/*
 * Adds an entry, unless it is there; it grows by itself (twice the size, a new file renamed over).
 * False with errno.
 */
bool keyindex_add(struct keyindex *index, const char *key, int64_t number);

/*
 * Goes through the candidates for KEY: starts with POSITION 0, sets NUMBER and true, or false when
 * there is no further one.
 */
bool keyindex_next(struct keyindex *index, const char *key, uint64_t *position, int64_t *number);

#endif
