/*
 * hash_table: finds entries by a hash of their names; in memory that processes share.
 *
 * The names themselves are not kept, only their keyed hashes of 128 bits: who does not know the key
 * cannot make two names that collide, and by chance it does not happen. Each entry begins with its
 * hash (uint64_t[2], all zero in a free one); what follows is the user's. Linear probing; a removed
 * entry leaves no mark, those behind it move up. So a pointer to an entry is good until the next
 * removal.
 *
 * The user locks, and makes the table again when a holder of the lock died in between: it holds
 * nothing that cannot be derived. Nothing here fails; the user never enters more than ENTRIES.
 */
#ifndef SHARED_BASE_HASH_TABLE_H
#define SHARED_BASE_HASH_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "shared/base/memory.h"
#include "shared/base/siphash.h"

struct hash_table {
	struct siphash_key keys[2];
	uint32_t size; /* slots; a power of two, at least twice as many as ENTRIES */
	uint32_t entry_size;
	unsigned char *slots;
};

/* How much of MEMORY hash_table_init takes for so many entries of ENTRY_SIZE bytes. */
size_t hash_table_memory(uint64_t entries, size_t entry_size);
void hash_table_init(struct hash_table *table, struct memory *memory, uint64_t entries,
		     size_t entry_size);

/* The hash of a name. */
void hash_table_hash(const struct hash_table *table, const void *name, size_t length,
		     uint64_t hash[2]);

/* The entry with this hash, or the free one where it goes: then the caller fills it in. */
void *hash_table_find(const struct hash_table *table, const uint64_t hash[2]);

/* Frees an entry. */
void hash_table_remove(struct hash_table *table, void *entry);

/* Frees all. */
void hash_table_clear(struct hash_table *table);

#endif
