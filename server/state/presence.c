#include "server/state/presence.h"

#include <stdio.h>
#include <string.h>

#define SEAT_BITS 24 /* of a seat's number, below its worker's */

/* How people are found. */
struct key {
	uint32_t node;
	uint32_t seat;
};

struct index_entry {
	uint64_t hash[2];
	uint32_t place;
};

size_t presence_size(void)
{
	return sizeof(struct presence) +
	       hash_table_memory(PRESENCE_PEOPLE, sizeof(struct index_entry)) + 2 * CACHE_LINE;
}

struct presence *presence_create(struct memory *memory)
{
	struct presence *presence = memory_take(memory, sizeof(*presence), CACHE_LINE);

	hash_table_init(&presence->index, memory, PRESENCE_PEOPLE, sizeof(struct index_entry));
	return presence;
}

bool presence_read(const struct presence *presence, uint32_t place, struct presence_person *copy)
{
	const struct presence_person *person = &presence->people[place];

	return seqlock_copy(&person->version, copy, person, sizeof(*copy)) && copy->node > 0 &&
	       copy->node <= PRESENCE_NODES && !copy->hidden;
}

void presence_name(const struct presence *presence, const struct presence_person *person,
		   char *name)
{
	(void)snprintf(name, NICK_AT_SIZE, "%s@%s", person->nick,
		       presence->nodes[person->node - 1].name);
}

bool presence_person_is_in(const struct presence_person *person, uint16_t room)
{
	for (uint8_t i = 0; i < person->room_count; i++) {
		if (person->rooms[i] == room) {
			return true;
		}
	}
	return false;
}

int presence_find_node(const struct presence *presence, struct span name)
{
	for (int i = 0; i < PRESENCE_NODES; i++) {
		const char *own = presence->nodes[i].name;

		if (own[0] != '\0' && span_of(own).length == name.length &&
		    memcmp(own, name.text, name.length) == 0) {
			return i;
		}
	}
	return -1;
}

uint32_t presence_seat(struct address where)
{
	return where.worker << SEAT_BITS | (where.seat & ((UINT32_C(1) << SEAT_BITS) - 1));
}

/* The index */

static struct index_entry *find_entry(const struct presence *presence, uint32_t node, uint32_t seat,
				      uint64_t hash[2])
{
	const struct key key = { node, seat };

	hash_table_hash(&presence->index, &key, sizeof(key), hash);
	return hash_table_find(&presence->index, hash);
}

static bool is_taken(const struct index_entry *entry)
{
	return entry->hash[0] != 0 || entry->hash[1] != 0;
}

static void enter(struct presence *presence, uint32_t node, uint32_t seat, uint32_t place)
{
	uint64_t hash[2];
	struct index_entry *entry = find_entry(presence, node, seat, hash);

	*entry = (struct index_entry){ { hash[0], hash[1] }, place };
}

uint32_t presence_find(const struct presence *presence, uint32_t node, uint32_t seat)
{
	uint64_t hash[2];
	const struct index_entry *entry = find_entry(presence, node, seat, hash);

	return is_taken(entry) ? entry->place : PRESENCE_NOBODY;
}

/* Places */

uint32_t presence_take_place(struct presence *presence, uint32_t node, uint32_t seat)
{
	uint32_t place = presence->next_free % PRESENCE_PEOPLE;

	if (presence->count >= PRESENCE_PEOPLE) {
		return PRESENCE_NOBODY;
	}
	while (presence->people[place].node > 0) {
		place = (place + 1) % PRESENCE_PEOPLE;
	}
	presence->next_free = place + 1;
	atomic_fetch_add(&presence->count, 1);
	if (place >= presence->highest) {
		atomic_store(&presence->highest, place + 1);
	}
	enter(presence, node, seat, place);
	return place;
}

static void set_free(struct presence_person *person)
{
	seqlock_write_begin(&person->version);
	person->node = 0;
	seqlock_write_end(&person->version);
}

void presence_free_place(struct presence *presence, uint32_t place)
{
	struct presence_person *person = &presence->people[place];
	uint64_t hash[2];
	struct index_entry *entry = find_entry(presence, person->node - 1U, person->seat, hash);

	if (is_taken(entry)) {
		hash_table_remove(&presence->index, entry);
	}
	set_free(person);
	atomic_fetch_sub(&presence->count, 1);
}

void presence_take_over(struct presence *presence)
{
	uint32_t count = 0;

	hash_table_clear(&presence->index);
	for (uint32_t i = 0; i < presence->highest; i++) {
		struct presence_person *person = &presence->people[i];

		if (person->version % 2 != 0) {
			set_free(person);
		}
		if (person->node > 0) {
			enter(presence, person->node - 1U, person->seat, i);
			count++;
		}
	}
	atomic_store(&presence->count, count);
}

void presence_leave(struct presence *presence, uint32_t place, uint16_t room)
{
	struct presence_person *person = &presence->people[place];
	uint8_t kept = 0;

	seqlock_write_begin(&person->version);
	for (uint8_t i = 0; i < person->room_count; i++) {
		if (person->rooms[i] != room) {
			person->rooms[kept++] = person->rooms[i];
		}
	}
	person->room_count = kept;
	seqlock_write_end(&person->version);
}

uint32_t presence_members(const struct presence *presence, uint16_t place)
{
	uint32_t members = 0;

	for (int i = 0; i < PRESENCE_NODES; i++) {
		members += presence->nodes[i].members[place];
	}
	return members;
}
