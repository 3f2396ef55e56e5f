/*
 * Open addressing with linear probing, at most half full. An entry is the key's whole hash and the
 * ticket's number, so growing needs neither keys nor tickets. The hash is keyed by the file's own
 * random key: whoever chooses keys cannot make them collide.
 *
 * Whoever replaces the file first sets `replaced` in the old one and then renames. Killed in
 * between, it leaves a file that says so but still lies there: whoever opens it clears the flag.
 */
#include "db/store/key_index.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db/store/beside.h"
#include "db/store/boot.h"
#include "shared/base/memory.h"
#include "shared/base/siphash.h"
#include "shared/text/name.h"

#define KEYINDEX_MARK        "turnstile keys\n"
#define KEYINDEX_LAYOUT      1
#define KEYINDEX_SLOTS_LEAST 4096 /* 64 KiB */
#define KEYINDEX_SUFFIX      "-keys"
#define KEYINDEX_SUFFIX_NEW  "-keys-new"

struct entry {
	uint64_t hash;
	int64_t number; /* 0: the slot is free; written after `hash` */
};

struct table {
	char mark[16];
	uint32_t layout;
	uint32_t replaced; /* another file has this one's name now */
	char boot[BOOT_SIZE];
	uint64_t store_id;
	struct siphash_key hash_key;
	uint64_t slots; /* a power of two */
	uint64_t used;  /* slots: counted before they are written, so never too few */
	struct keyindex_reach reach;
	_Alignas(CACHE_LINE) struct entry entries[];
};

struct keyindex {
	struct table *table;
	uint64_t store_id;
	char boot[BOOT_SIZE];
	char store_path[PATH_MAX];
	char path[PATH_MAX];
	char path_new[PATH_MAX];
};

static size_t table_size(uint64_t slots)
{
	return sizeof(struct table) + slots * sizeof(struct entry);
}

static void unmap(struct table *table, uint64_t slots)
{
	if (table) {
		munmap(table, table_size(slots));
	}
}

static struct table *map(int descriptor, size_t size)
{
	void *start = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
	return start == MAP_FAILED ? NULL : start;
}

/* Whether the slots in use are as many as were counted: else something else wrote to the file. */
static bool adds_up(const struct table *table)
{
	uint64_t used = 0;
	for (uint64_t slot = 0; slot < table->slots; slot++) {
		used += table->entries[slot].number != 0;
	}
	return used == table->used;
}

/* Whether what was found in a file of SIZE bytes is a whole table, of this boot and store. */
static bool is_good(const struct keyindex *index, const struct table *table, size_t size)
{
	uint64_t slots = table->slots;
	return memcmp(table->mark, KEYINDEX_MARK, sizeof(table->mark)) == 0 &&
	       table->layout == KEYINDEX_LAYOUT &&
	       memcmp(table->boot, index->boot, BOOT_SIZE) == 0 &&
	       table->store_id == index->store_id && slots >= KEYINDEX_SLOTS_LEAST &&
	       (slots & (slots - 1)) == 0 &&
	       slots == (size - sizeof(*table)) / sizeof(struct entry) &&
	       table->used <= slots / 2 && table->reach.number >= 0 && adds_up(table);
}

static struct table *map_if_good(const struct keyindex *index, int descriptor)
{
	struct stat status;
	if (fstat(descriptor, &status) < 0 || status.st_size < (off_t)table_size(0)) {
		return NULL;
	}
	size_t size = (size_t)status.st_size;
	struct table *table = map(descriptor, size);
	if (table && !is_good(index, table, size)) {
		munmap(table, size);
		return NULL;
	}
	return table;
}

/* The table that lies in the file now, or NULL when there is none that is of use. */
static struct table *find_table(const struct keyindex *index)
{
	int descriptor = open(index->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (descriptor < 0) {
		return NULL;
	}
	struct table *table = map_if_good(index, descriptor);
	close(descriptor);
	if (table) {
		table->replaced = 0;
	}
	return table;
}

/* A new file's whole size is taken on disk first: a full disk must not become a SIGBUS. */
static struct table *map_new(const struct keyindex *index, int descriptor, uint64_t slots)
{
	if (!beside_give(descriptor, index->store_path)) {
		return NULL;
	}
	int problem = posix_fallocate(descriptor, 0, (off_t)table_size(slots));
	errno = problem;
	return problem == 0 ? map(descriptor, table_size(slots)) : NULL;
}

/* An empty table in the new file, which has not the index's name yet. */
static struct table *make_table(const struct keyindex *index, uint64_t slots)
{
	unlink(index->path_new); /* what a killed one left */
	int descriptor = open(index->path_new, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (descriptor < 0) {
		return NULL;
	}
	struct table *table = map_new(index, descriptor, slots);
	int problem = errno;
	close(descriptor);
	if (!table) {
		unlink(index->path_new);
		errno = problem;
		return NULL;
	}
	memcpy(table->mark, KEYINDEX_MARK, sizeof(table->mark));
	memcpy(table->boot, index->boot, BOOT_SIZE);
	table->layout = KEYINDEX_LAYOUT;
	table->store_id = index->store_id;
	table->slots = slots;
	siphash_key_make(&table->hash_key);
	return table;
}

/* Puts TABLE, made by make_table, in the place of the one in use. */
static bool replace_table(struct keyindex *index, struct table *table)
{
	struct table *old = index->table;
	if (old) {
		old->replaced = 1;
	}
	if (rename(index->path_new, index->path) < 0) {
		int problem = errno;
		unlink(index->path_new);
		unmap(table, table->slots);
		if (old) {
			old->replaced = 0;
		}
		errno = problem;
		return false;
	}
	if (old) {
		unmap(old, old->slots);
	}
	index->table = table;
	return true;
}

static void put(struct table *table, uint64_t hash, int64_t number)
{
	uint64_t last = table->slots - 1;
	uint64_t slot = hash & last;
	for (; table->entries[slot].number != 0; slot = (slot + 1) & last) {
		if (table->entries[slot].hash == hash && table->entries[slot].number == number) {
			return;
		}
	}
	table->used++;
	table->entries[slot].hash = hash;
	__atomic_store_n(&table->entries[slot].number, number, __ATOMIC_RELEASE);
}

static bool grow(struct keyindex *index)
{
	const struct table *old = index->table;
	struct table *table = make_table(index, old->slots * 2);
	if (!table) {
		return false;
	}
	table->hash_key = old->hash_key;
	table->reach = old->reach;
	for (uint64_t slot = 0; slot < old->slots; slot++) {
		if (old->entries[slot].number != 0) {
			put(table, old->entries[slot].hash, old->entries[slot].number);
		}
	}
	return replace_table(index, table);
}

static bool set_paths(struct keyindex *index, const char *store_path)
{
	snprintf(index->store_path, sizeof(index->store_path), "%s", store_path);
	int length = snprintf(index->path, sizeof(index->path), "%s" KEYINDEX_SUFFIX, store_path);
	int length_new = snprintf(index->path_new, sizeof(index->path_new),
				  "%s" KEYINDEX_SUFFIX_NEW, store_path);
	if (length >= 0 && length_new >= 0 && length_new < (int)sizeof(index->path_new)) {
		return true;
	}
	errno = ENAMETOOLONG;
	return false;
}

struct keyindex *keyindex_open(const char *store_path, uint64_t store_id)
{
	struct keyindex *index = calloc(1, sizeof(*index));
	if (!index) {
		return NULL;
	}
	index->store_id = store_id;
	if (set_paths(index, store_path) && boot_read(index->boot)) {
		index->table = find_table(index);
		if (index->table || keyindex_clear(index)) {
			return index;
		}
	}
	free(index);
	return NULL;
}

void keyindex_close(struct keyindex *index)
{
	if (!index) {
		return;
	}
	unmap(index->table, index->table->slots);
	free(index);
}

/*
 * When the new file cannot be used, the old one stays in use: it is brought up to date like any
 * that is behind.
 */
static void follow(struct keyindex *index)
{
	struct table *table = find_table(index);
	if (!table) {
		return;
	}
	unmap(index->table, index->table->slots);
	index->table = table;
}

struct keyindex_reach keyindex_covered(struct keyindex *index)
{
	if (index->table->replaced) {
		follow(index);
	}
	return index->table->reach;
}

/* Killed between the two, it is found to be of another store, and made anew: slow but right. */
void keyindex_set_covered(struct keyindex *index, struct keyindex_reach reach)
{
	index->table->reach = reach;
}

bool keyindex_clear(struct keyindex *index)
{
	struct table *table = make_table(index, KEYINDEX_SLOTS_LEAST);
	return table && replace_table(index, table);
}

static uint64_t hash_of(const struct keyindex *index, const char *key)
{
	return siphash(&index->table->hash_key, key, strnlen(key, NAME_KEY_SIZE));
}

bool keyindex_add(struct keyindex *index, const char *key, int64_t number)
{
	if (index->table->used >= index->table->slots / 2 && !grow(index)) {
		return false;
	}
	put(index->table, hash_of(index, key), number);
	return true;
}

bool keyindex_next(struct keyindex *index, const char *key, uint64_t *position, int64_t *number)
{
	const struct table *table = index->table;
	uint64_t hash = hash_of(index, key);
	uint64_t last = table->slots - 1;
	while (*position <= last) {
		const struct entry *entry = &table->entries[(hash + *position) & last];
		if (entry->number == 0) {
			return false;
		}
		++*position;
		if (entry->hash == hash) {
			*number = entry->number;
			return true;
		}
	}
	return false;
}
