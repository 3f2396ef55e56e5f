/*
 * beside: files that a store has beside its own, such as its lock.
 *
 * Whoever makes them, they belong to the store's owner: root may look into a store whose server
 * runs as another user, and must not lock that one out.
 */
#ifndef DB_STORE_BESIDE_H
#define DB_STORE_BESIDE_H

#include <stdbool.h>

/*
 * DESCRIPTOR is a file that was made beside the store at STORE_PATH: gives it to the store's owner,
 * where root has it. Fine without a store, too: then it is ours, as the store will be. False with
 * errno set.
 */
bool beside_give(int descriptor, const char *store_path);

#endif
