/*
 * presence: who is on the other machines, and how many are in which room there, in shared memory.
 *
 * The bus process alone writes it, as the other machines tell it (bus/others.h); workers read. The
 * people of a machine that is not heard any more are kept for a while, hidden: when it is back, so
 * are they. Bounded: of people beyond PRESENCE_PEOPLE only the rooms' counts are known.
 *
 * A person's text is read without a lock: `version` is a sequence lock (seqlock.h). A bus process
 * that is killed leaves what its successor puts right within a second or two: the others tell it
 * all anew.
 */
#ifndef SERVER_STATE_PRESENCE_H
#define SERVER_STATE_PRESENCE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "server/config/options.h"
#include "server/state/rooms.h"
#include "shared/base/hash_table.h"
#include "shared/base/memory.h"

#define PRESENCE_NODES  64    /* other machines at a time */
#define PRESENCE_PEOPLE 65536 /* on all of them together, that are known by name */

#define PRESENCE_NOBODY UINT32_MAX

#define NICK_AT_SIZE                                                                 \
	(NAME_NICK_SIZE + OPTIONS_NODE_SIZE) /* bytes of NICK@NODE, a NUL counted in \
					      */

/* Another machine. */
struct presence_node {
	char name[OPTIONS_NODE_SIZE]; /* "": the place is free */
	_Atomic bool here;            /* it is heard */
	bool has_hidden;              /* some of its people are */
	int64_t behind_ns;            /* its monotonic clock, behind the one here, at most */
	uint64_t epoch;               /* of its server: another one each time it is started anew */
	uint32_t members[ROOMS_MAX];  /* of the room at that place here */
};

/* Somebody there. */
struct presence_person {
	_Atomic uint32_t version;
	uint8_t node; /* from 1; 0: the place is free */
	bool hidden;  /* that machine is not heard */
	uint8_t room_count;
	uint32_t seat;       /* there */
	uint32_t generation; /* told of last: the writer's */
	uint64_t session;    /* there */
	char nick[NAME_NICK_SIZE];
	uint16_t rooms[SEAT_ROOMS_MAX]; /* their places here */
};

struct presence {
	_Atomic uint32_t highest;  /* people's places from here on were never used */
	_Atomic uint32_t count;    /* places that are in use */
	uint32_t next_free;        /* where a free place is looked for first */
	_Atomic int64_t joined_ns; /* monotonic: since when this machine's name is its own; 0: it is
				      not yet */
	struct hash_table index;   /* people by machine and seat: the writer's, derived */
	struct presence_node nodes[PRESENCE_NODES];
	struct presence_person people[PRESENCE_PEOPLE];
};

size_t presence_size(void);

/* Before the first fork. */
struct presence *presence_create(struct memory *memory);

/* Copies who is at a place; false if nobody is, or the machine is not heard. No lock. */
bool presence_read(const struct presence *presence, uint32_t place, struct presence_person *copy);

/* "NICK@NODE" of such a copy, NICK_AT_SIZE bytes. */
void presence_name(const struct presence *presence, const struct presence_person *person,
		   char *name);

bool presence_person_is_in(const struct presence_person *person, uint16_t room);

/* The place of the machine of that name; -1: none of that name was heard. */
int presence_find_node(const struct presence *presence, struct span name);

/* Its seat, as one number, of those that it has there. */
uint32_t presence_seat(struct address where);

/*
 * The writer's, as all below. The place of who has that SEAT on the machine at NODE;
 * PRESENCE_NOBODY if that is not known.
 */
uint32_t presence_find(const struct presence *presence, uint32_t node, uint32_t seat);

/* Puts somebody there in the place of nobody, PRESENCE_NOBODY when there is none; and out of it. */
uint32_t presence_take_place(struct presence *presence, uint32_t node, uint32_t seat);
void presence_free_place(struct presence *presence, uint32_t place);

/* A predecessor was killed anywhere: what it left half done is put right. */
void presence_take_over(struct presence *presence);

/* That one left the room, which its machine says now or will say soon. */
void presence_leave(struct presence *presence, uint32_t place, uint16_t room);

/* How many are in the room at PLACE on all other machines. */
uint32_t presence_members(const struct presence *presence, uint16_t place);

#endif
