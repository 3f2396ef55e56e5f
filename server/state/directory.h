/*
 * directory: who is connected, to which worker, under which nick, in which rooms; for all
 * processes.
 *
 * A seat is one connection's entry in shared memory; that of echo has no nick. Each worker has
 * seats of its own, which only it takes, fills and frees; the table of nicks finds a seat by name
 * and is guarded by the directory's lock, as is the table of rooms (rooms.h). The table of nicks is
 * derived: when a holder of the lock dies, it is made again from the seats. When a worker dies, its
 * successor frees the seats that it left (directory_next_orphan).
 *
 * A seat's text is read without a lock: `version` is a sequence lock (seqlock.h).
 */
#ifndef SERVER_STATE_DIRECTORY_H
#define SERVER_STATE_DIRECTORY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "server/config/options.h"
#include "server/state/admission.h"
#include "shared/base/hash_table.h"
#include "shared/base/memory.h"
#include "shared/base/seqlock.h"
#include "shared/sync/mutex.h"
#include "shared/text/name.h"

#define SEAT_ROOMS_MAX 32 /* rooms that one connection can be in */

/* A folded name's keyed hash: 128 bits, so that two names that are not the same never share it. */
struct name_hash {
	uint64_t words[2];
};

struct seat {
	_Atomic uint32_t version; /* of what follows: a sequence lock, its owner writes */
	uint32_t undo; /* so many seats further on a copy is made before each change, while it lasts
			*/
	_Atomic uint64_t session; /* the session's number, never used twice; 0: free */
	_Atomic uint64_t ended;   /* the number of one whom an operator ended: directory_end */
	struct name_hash hash;    /* of the nick */
	char nick[NAME_NICK_SIZE];
	struct peer_address peer;
	bool has_ties; /* holds, or waits for tickets: to be given back at its end */
	uint8_t room_count;
	uint16_t rooms[SEAT_ROOMS_MAX]; /* their indices in rooms.h; the current one first */
};

/* Where a session is: what the table of nicks finds. */
struct address {
	uint32_t worker; /* from 0 */
	uint32_t seat;   /* of that worker's */
	uint64_t session;
};

struct directory {
	struct mutex lock; /* of the tables of nicks and of rooms */
	unsigned workers;
	uint32_t seats_a_worker;
	_Atomic uint64_t next_session;
	_Atomic uint64_t next_guest;
	struct admission *admission; /* guarded by `lock`, too */
	struct seat *seats;          /* [workers][seats_a_worker + 1]: the last is for copies */
	struct hash_table nicks;     /* derived from the seats */
	_Atomic uint32_t
		highest[OPTIONS_WORKERS_MAX]; /* a worker's seats from here on were never used */
	_Atomic bool has_ended[OPTIONS_WORKERS_MAX]; /* a seat of its was: it is to look which */
};

size_t directory_size(unsigned workers, uint32_t seats_a_worker);

/* Lays a directory out in MEMORY, before the first fork. */
struct directory *directory_create(struct memory *memory, unsigned workers, uint32_t seats_a_worker,
				   struct admission *admission);

struct seat *directory_seat(struct directory *directory, uint32_t worker, uint32_t seat);

/* The lock, for some microseconds at most; false if somebody else has it: try again next turn. */
bool directory_try(struct directory *directory);

/* Waits for it: at a start, and where no loop runs. Its holder has it for microseconds. */
void directory_lock(struct directory *directory);
void directory_unlock(struct directory *directory);

/* The hash of a good name; a bug when it is none. */
struct name_hash directory_hash(const struct directory *directory, struct span name);
bool name_hash_equal(struct name_hash a, struct name_hash b);

/* A number that no session had before. */
uint64_t directory_new_session(struct directory *directory);

/*
 * All below with the lock held. Gives SEAT at WHERE the nick NAME (a good one), its first or a new
 * one; false if somebody else has it.
 */
bool directory_claim(struct directory *directory, struct address where, struct span name);

/* A first nick for a new seat that nobody has. */
void directory_claim_guest(struct directory *directory, struct address where);

/* Takes a new seat for one who has no nick: nobody finds it by name. */
void directory_claim_nameless(struct directory *directory, struct address where);

/* Frees the seat and its nick. Its rooms are to be left before. */
void directory_release(struct directory *directory, struct address where);

/* Who has that nick; false if nobody. */
bool directory_find(struct directory *directory, struct span name, struct address *where);

/*
 * Ends the session at WHERE, whatever its worker does just now: nobody finds it any more, and its
 * nick is free. Its worker lets it go as soon as it sees it, and then releases the seat. False if
 * it is not there any more.
 */
bool directory_end(struct directory *directory, struct address where);

/* Without the lock. Whether that was done to who has the seat. It is asked for each line. */
static inline bool seat_is_ended(const struct seat *seat)
{
	uint64_t ended = atomic_load_explicit(&seat->ended, memory_order_relaxed);

	return ended != 0 && ended == atomic_load_explicit(&seat->session, memory_order_relaxed);
}

/*
 * Without the lock. Copies a seat; false if it is free or ended, or its owner died while it
 * changed it.
 */
bool seat_read(const struct seat *seat, struct seat *copy);

/* A seat's rooms: the index of ROOM among them (-1: none); and the owner's changes to them. */
int seat_place_of(const struct seat *seat, uint16_t room);
void seat_make_current(struct seat *seat, int index);
void seat_add_room(struct seat *seat, uint16_t room);
void seat_remove_room(struct seat *seat, uint16_t room);

/*
 * At the start of a worker that goes on with its predecessor's seats, with the lock held: takes
 * back what the predecessor was changing of one.
 */
void directory_take_back(struct directory *directory, uint32_t worker);

/*
 * With the lock held: an address may have MOST connections from now on (0: any number). Who is here
 * stays, and counts.
 */
void directory_limit_addresses(struct directory *directory, uint32_t most);

/*
 * Before the first fork: puts a seat like LIKE, with a good nick or none, at WHERE; and when all
 * are there, makes the tables.
 */
void directory_restore(struct directory *directory, struct address where, const struct seat *like);
void directory_restored(struct directory *directory);

/*
 * A seat that WORKER's predecessor left in use, from SEAT on; false when there is none. The worker
 * calls it at its start, before it has seats of its own.
 */
bool directory_next_orphan(struct directory *directory, uint32_t worker, uint32_t *seat);

#endif
