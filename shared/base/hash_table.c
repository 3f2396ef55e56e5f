#include "shared/base/hash_table.h"

#include <stdbool.h>
#include <string.h>

#define SLOTS_MIN 64

static uint32_t slots_for(uint64_t entries)
{
	uint64_t slots = SLOTS_MIN;

	while (slots < entries * 2) {
		slots *= 2;
	}
	return (uint32_t)slots;
}

size_t hash_table_memory(uint64_t entries, size_t entry_size)
{
	return slots_for(entries) * entry_size + CACHE_LINE;
}

void hash_table_init(struct hash_table *table, struct memory *memory, uint64_t entries,
		     size_t entry_size)
{
	siphash_key_make(&table->keys[0]);
	siphash_key_make(&table->keys[1]);
	table->size = slots_for(entries);
	table->entry_size = (uint32_t)entry_size;
	table->slots = memory_take(memory, table->size * entry_size, CACHE_LINE);
}

void hash_table_hash(const struct hash_table *table, const void *name, size_t length,
		     uint64_t hash[2])
{
	for (size_t i = 0; i < 2; i++) {
		hash[i] = siphash(&table->keys[i], name, length);
	}
}

/* The hash that the entry in a slot begins with. */
static uint64_t *hash_at(const struct hash_table *table, uint32_t slot)
{
	return (uint64_t *)(void *)(table->slots + (size_t)slot * table->entry_size);
}

static uint32_t next_slot(const struct hash_table *table, uint32_t slot)
{
	return (slot + 1) & (table->size - 1);
}

/* How many slots lie between the one where the hash belongs and this one. */
static uint32_t distance(const struct hash_table *table, const uint64_t *hash, uint32_t slot)
{
	return (slot - (uint32_t)hash[0]) & (table->size - 1);
}

static bool is_free(const uint64_t *hash)
{
	return hash[0] == 0 && hash[1] == 0;
}

void *hash_table_find(const struct hash_table *table, const uint64_t hash[2])
{
	uint32_t slot = (uint32_t)hash[0] & (table->size - 1);
	uint64_t *there = hash_at(table, slot);

	while (!is_free(there) && (there[0] != hash[0] || there[1] != hash[1])) {
		slot = next_slot(table, slot);
		there = hash_at(table, slot);
	}
	return there;
}

/* What lies behind the hole moves up, so that no search stops short (Knuth, 6.4 R). */
void hash_table_remove(struct hash_table *table, void *entry)
{
	uint32_t hole =
		(uint32_t)((size_t)((unsigned char *)entry - table->slots) / table->entry_size);
	uint32_t slot = next_slot(table, hole);

	for (; !is_free(hash_at(table, slot)); slot = next_slot(table, slot)) {
		if (distance(table, hash_at(table, slot), slot) >=
		    ((slot - hole) & (table->size - 1))) {
			memcpy(hash_at(table, hole), hash_at(table, slot), table->entry_size);
			hole = slot;
		}
	}
	memset(hash_at(table, hole), 0, table->entry_size);
}

void hash_table_clear(struct hash_table *table)
{
	memset(table->slots, 0, (size_t)table->size * table->entry_size);
}
