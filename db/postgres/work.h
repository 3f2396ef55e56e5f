/*
 * postgres_work: the tickets that a transaction has to do with: fetched, changed, added, and those
 * that are known not to be there; so that a question is asked once, and all changes are written
 * together.
 *
 * Knows no database. Entries have places from 0 on; a pointer is good until the next one is added.
 */
#ifndef DB_POSTGRES_WORK_H
#define DB_POSTGRES_WORK_H

#include "db/store/records.h"

struct work_entry {
	struct store_ticket ticket;
	bool there;
	bool added;             /* by this transaction, and not written yet */
	bool changed;           /* likewise */
	enum ticket_state was;  /* as the database has it */
	int64_t was_quantity;   /* likewise */
	int32_t next_by_number; /* in its bucket; WORK_NONE: the last */
	int32_t next_by_key;
};

#define WORK_NONE    (-1)
#define WORK_BUCKETS 2048 /* a power of two */

struct work {
	struct work_entry *entries;
	int32_t count;
	int32_t room;
	int32_t unwritten; /* entries that are added or changed */
	int32_t by_number[WORK_BUCKETS];
	int32_t by_key[WORK_BUCKETS];
};

/* Empties it; the memory is kept. To be called before the first use, too. */
void work_empty(struct work *work);
void work_finish(struct work *work);

/* What is known by that number or key; NULL: nothing. */
struct work_entry *work_by_number(const struct work *work, int64_t number);
struct work_entry *work_by_key(const struct work *work, const char *key);

/* A ticket as the database has it; what was changed here stays changed. NULL: no memory. */
struct work_entry *work_fetched(struct work *work, const struct store_ticket *ticket);

/* Notes that there is none, unless something is known. NULL: no memory. */
struct work_entry *work_absent_number(struct work *work, int64_t number);
struct work_entry *work_absent_key(struct work *work, const char *key);

/* A new one, whose number and key nobody has. NULL: no memory. */
struct work_entry *work_add(struct work *work, const struct store_ticket *ticket);

/* Takes over of TICKET what may change: quantity, state, end, and when it was admitted. */
void work_change(struct work *work, struct work_entry *entry, const struct store_ticket *ticket);

/* All that was added and changed is in the database now. */
void work_written(struct work *work);

/* Of those held here the one that ends first; or one with a tie from LEAST to MOST. NULL: none. */
struct work_entry *work_next_expiry(const struct work *work);
struct work_entry *work_tied(const struct work *work, uint64_t least, uint64_t most);

#endif
