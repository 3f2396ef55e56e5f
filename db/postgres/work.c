#include "db/postgres/work.h"

#include <stdlib.h>
#include <string.h>

#define ROOM_LEAST 256
#define FNV_BASIS  UINT64_C(14695981039346656037) /* FNV-1a: buckets of one batch, no secret */
#define FNV_PRIME  UINT64_C(1099511628211)
#define FNV_FOLD   32

void work_empty(struct work *work)
{
	work->count = 0;
	work->unwritten = 0;
	memset(work->by_number, 0xff, sizeof(work->by_number)); /* WORK_NONE */
	memset(work->by_key, 0xff, sizeof(work->by_key));
}

void work_finish(struct work *work)
{
	free(work->entries);
	work->entries = NULL;
	work->room = 0;
	work->count = 0;
}

static size_t bucket_of_number(int64_t number)
{
	return (uint64_t)number % WORK_BUCKETS;
}

static size_t bucket_of_key(const char *key)
{
	uint64_t hash = FNV_BASIS;
	for (; *key != '\0'; key++) {
		hash = (hash ^ (unsigned char)*key) * FNV_PRIME;
	}
	return (hash ^ hash >> FNV_FOLD) % WORK_BUCKETS;
}

static struct work_entry *at(const struct work *work, int32_t place)
{
	return place == WORK_NONE ? NULL : &work->entries[place];
}

struct work_entry *work_by_number(const struct work *work, int64_t number)
{
	struct work_entry *entry = at(work, work->by_number[bucket_of_number(number)]);
	while (entry && entry->ticket.number != number) {
		entry = at(work, entry->next_by_number);
	}
	return entry;
}

struct work_entry *work_by_key(const struct work *work, const char *key)
{
	struct work_entry *entry = at(work, work->by_key[bucket_of_key(key)]);
	while (entry && strcmp(entry->ticket.key, key) != 0) {
		entry = at(work, entry->next_by_key);
	}
	return entry;
}

static bool make_room(struct work *work)
{
	if (work->count < work->room) {
		return true;
	}
	int32_t room = work->room ? work->room * 2 : ROOM_LEAST;
	struct work_entry *entries =
		reallocarray(work->entries, (size_t)room, sizeof(struct work_entry));
	if (!entries) {
		return false;
	}
	work->entries = entries;
	work->room = room;
	return true;
}

static void link_number(struct work *work, struct work_entry *entry)
{
	int32_t *bucket = &work->by_number[bucket_of_number(entry->ticket.number)];
	entry->next_by_number = *bucket;
	*bucket = (int32_t)(entry - work->entries);
}

static void link_key(struct work *work, struct work_entry *entry)
{
	int32_t *bucket = &work->by_key[bucket_of_key(entry->ticket.key)];
	entry->next_by_key = *bucket;
	*bucket = (int32_t)(entry - work->entries);
}

/* One that is of TICKET, under its number and its key, where it has them. */
static struct work_entry *make(struct work *work, const struct store_ticket *ticket, bool there)
{
	if (!make_room(work)) {
		return NULL;
	}
	struct work_entry *entry = &work->entries[work->count++];
	*entry = (struct work_entry){ .ticket = *ticket,
				      .there = there,
				      .was = ticket->state,
				      .was_quantity = ticket->quantity,
				      .next_by_number = WORK_NONE,
				      .next_by_key = WORK_NONE };
	if (ticket->number != 0) {
		link_number(work, entry);
	}
	if (ticket->key[0] != '\0') {
		link_key(work, entry);
	}
	return entry;
}

struct work_entry *work_fetched(struct work *work, const struct store_ticket *ticket)
{
	struct work_entry *entry = work_by_number(work, ticket->number);
	if (!entry || !entry->there) {
		return make(work, ticket, true);
	}
	if (!entry->changed && !entry->added) {
		entry->ticket = *ticket;
		entry->was = ticket->state;
		entry->was_quantity = ticket->quantity;
	}
	return entry;
}

struct work_entry *work_absent_number(struct work *work, int64_t number)
{
	struct work_entry *known = work_by_number(work, number);
	return known ? known : make(work, &(struct store_ticket){ .number = number }, false);
}

struct work_entry *work_absent_key(struct work *work, const char *key)
{
	struct store_ticket ticket = { .number = 0 };
	struct work_entry *known = work_by_key(work, key);
	memcpy(ticket.key, key, strnlen(key, sizeof(ticket.key) - 1));
	return known ? known : make(work, &ticket, false);
}

/* It comes before the note that there was none, in each bucket. */
struct work_entry *work_add(struct work *work, const struct store_ticket *ticket)
{
	struct work_entry *entry = make(work, ticket, true);
	if (entry) {
		entry->added = true;
		work->unwritten++;
	}
	return entry;
}

void work_change(struct work *work, struct work_entry *entry, const struct store_ticket *ticket)
{
	entry->ticket.quantity = ticket->quantity;
	entry->ticket.state = ticket->state;
	entry->ticket.expires_ns = ticket->expires_ns;
	entry->ticket.admitted_ns = ticket->admitted_ns;
	if (!entry->added && !entry->changed) {
		entry->changed = true;
		work->unwritten++;
	}
}

void work_written(struct work *work)
{
	for (int32_t i = 0; i < work->count; i++) {
		struct work_entry *entry = &work->entries[i];
		entry->added = false;
		entry->changed = false;
		entry->was = entry->ticket.state;
		entry->was_quantity = entry->ticket.quantity;
	}
	work->unwritten = 0;
}

static bool is_held(const struct work_entry *entry)
{
	return entry->there && entry->ticket.state == TICKET_HELD;
}

static bool ends_before(const struct store_ticket *one, const struct store_ticket *other)
{
	return one->expires_ns < other->expires_ns ||
	       (one->expires_ns == other->expires_ns && one->number < other->number);
}

struct work_entry *work_next_expiry(const struct work *work)
{
	struct work_entry *first = NULL;
	for (int32_t i = 0; i < work->count; i++) {
		struct work_entry *entry = &work->entries[i];
		if (is_held(entry) && (!first || ends_before(&entry->ticket, &first->ticket))) {
			first = entry;
		}
	}
	return first;
}

struct work_entry *work_tied(const struct work *work, uint64_t least, uint64_t most)
{
	for (int32_t i = 0; i < work->count; i++) {
		struct work_entry *entry = &work->entries[i];
		if (is_held(entry) && entry->ticket.tied >= least && entry->ticket.tied <= most) {
			return entry;
		}
	}
	return NULL;
}
