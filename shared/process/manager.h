/*
 * manager: a small dictionary of names to integers and texts, for many processes. What Python's
 * Manager().dict() is used for, without a process that manages it.
 *
 * It lies in shared memory under a robust mutex, so each call is whole and one after the other, and
 * one that is killed leaves the old value or the new one. Two calls are two: who gets a number,
 * counts it up and sets it loses what others set in between; manager_add does not. Bounded in
 * entries and in lengths, with plain refusals.
 *
 * Written by: everything under `mutex`. What counts is each entry's `used` and which of its two
 * values is the current one; the chains are made anew from that when the mutex's holder died.
 */
#ifndef SHARED_PROCESS_MANAGER_H
#define SHARED_PROCESS_MANAGER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/siphash.h"
#include "shared/sync/mutex.h"

#define MANAGER_NAME_SIZE 64  /* bytes, a NUL counted in */
#define MANAGER_TEXT_SIZE 256 /* bytes, a NUL counted in */

enum manager_kind { MANAGER_NUMBER, MANAGER_TEXT };

struct manager_value {
	enum manager_kind kind;
	int64_t number;
	char text[MANAGER_TEXT_SIZE];
};

enum manager_result {
	MANAGER_DONE,
	MANAGER_MISSING,   /* no entry of that name */
	MANAGER_FULL,      /* no room for a new one */
	MANAGER_TOO_LONG,  /* the name (or it is empty), or the text */
	MANAGER_NO_NUMBER, /* add: there is a text */
	MANAGER_OVERFLOW   /* add: the sum is no int64_t; nothing was changed */
};

struct manager_entry {
	_Atomic bool used;
	_Atomic uint32_t current; /* which of the two values */
	uint32_t next;            /* in the chain or among the free: an index + 1, or 0 */
	char name[MANAGER_NAME_SIZE];
	struct manager_value values[2];
};

struct manager {
	struct mutex mutex;
	struct siphash_key key;
	uint32_t entries_max;    /* never changes */
	uint32_t free;           /* the first free entry: an index + 1, or 0 */
	_Atomic uint32_t length; /* entries in use */
	uint32_t *chains; /* as many as entries, after them: each its first entry + 1, or 0 */
	struct manager_entry entries[];
};

/* What a dictionary of up to ENTRIES_MAX (1 or more) entries takes in memory. */
size_t manager_size(uint32_t entries_max);

/* Makes an empty one in manager_size bytes, aligned to CACHE_LINE, that nobody else uses yet. */
void manager_init(struct manager *manager, uint32_t entries_max);

enum manager_result manager_get(struct manager *manager, const char *name,
				struct manager_value *value);
enum manager_result manager_set_number(struct manager *manager, const char *name, int64_t number);
enum manager_result manager_set_text(struct manager *manager, const char *name, const char *text);

/*
 * Adds DIFFERENCE to the number NAME, which is 0 if it was missing, in one step; SUM (may be NULL)
 * becomes the new number.
 */
enum manager_result manager_add(struct manager *manager, const char *name, int64_t difference,
				int64_t *sum);

enum manager_result manager_remove(struct manager *manager, const char *name);

#endif
