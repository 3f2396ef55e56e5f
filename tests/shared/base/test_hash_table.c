#include "shared/base/hash_table.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#define ENTRIES 200
#define ROUNDS  200000

struct entry {
	uint64_t hash[2];
	uint32_t number; /* 1 and up */
};

static struct memory memory;
static struct hash_table table;

static void set_up(void)
{
	memory_init(&memory, "hash-table-test", hash_table_memory(ENTRIES, sizeof(struct entry)));
	hash_table_init(&table, &memory, ENTRIES, sizeof(struct entry));
}

static void tear_down(void)
{
	memory_finish(&memory);
}

TestSuite(hash_table, .init = set_up, .fini = tear_down);

/* The entry of that number's name; one that is free is filled in if MAKE. */
static struct entry *entry_of(uint32_t number, bool make)
{
	uint64_t hash[2];

	hash_table_hash(&table, &number, sizeof(number), hash);
	struct entry *entry = hash_table_find(&table, hash);

	if (make && entry->number == 0) {
		*entry = (struct entry){ { hash[0], hash[1] }, number };
	}
	return entry;
}

/* Where all belong into few slots, at the end and around it, searches are long and wrap around. */
static struct entry *crowded_entry(uint32_t number, bool make)
{
	uint64_t hash[2] = { table.size - 3 + number % 5, number };
	struct entry *entry = hash_table_find(&table, hash);

	if (make && entry->number == 0) {
		*entry = (struct entry){ { hash[0], hash[1] }, number };
	}
	return entry;
}

/* Entries come and go, against a plain list: none may be lost or found twice. */
static void come_and_go(struct entry *(*find)(uint32_t number, bool make), int rounds)
{
	bool there[ENTRIES + 1] = { false };
	unsigned seed = 1;

	for (int i = 0; i < rounds; i++) {
		uint32_t number = 1 + (uint32_t)rand_r(&seed) % ENTRIES;
		struct entry *entry = find(number, false);

		cr_assert_eq(entry->number, there[number] ? number : 0, "round %d", i);
		if (there[number]) {
			hash_table_remove(&table, entry);
		} else {
			(void)find(number, true);
		}
		there[number] = !there[number];
	}
	for (uint32_t number = 1; number <= ENTRIES; number++) {
		cr_assert_eq(find(number, false)->number, there[number] ? number : 0);
	}
}

Test(hash_table, entries_come_and_go_and_each_is_found)
{
	come_and_go(entry_of, ROUNDS);
}

Test(hash_table, entries_that_belong_into_the_same_slots_are_found_as_well)
{
	come_and_go(crowded_entry, ROUNDS / 10);
}

Test(hash_table, that_was_cleared_is_empty)
{
	cr_expect_eq(entry_of(1, true)->number, 1);
	hash_table_clear(&table);
	cr_expect_eq(entry_of(1, false)->number, 0);
}
