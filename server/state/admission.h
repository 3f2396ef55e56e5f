/*
 * admission: who may come in: bans, and how many connections an address may have; from where
 * nobody may speak, and from where passwords were guessed; for all processes.
 *
 * The first two are looked at once for each new session, mutes when they changed. Guarded by the
 * directory's lock.
 * Connections are counted only where there is a limit; a worker's successor counts out those that
 * it left. When a holder of the lock dies, the counts are made again from the seats.
 */
#ifndef SERVER_STATE_ADMISSION_H
#define SERVER_STATE_ADMISSION_H

#include <stdatomic.h>
#include <stdint.h>

#include "server/config/peer_address.h"
#include "shared/base/clock.h"
#include "shared/base/hash_table.h"
#include "shared/base/memory.h"

#define ADMISSION_BANS_MAX    1024
#define ADMISSION_GUESSES_MAX 1024
#define ADMISSION_MUTES_MAX   1024

#define BAN_SAME_NS (2 * NS_PER_SECOND) /* two ends that are nearer to each other are one */

#define GUESSES_FREE           5 /* wrong passwords; the last of them is the first with a penalty */
#define GUESS_PENALTY_FIRST_NS NS_PER_SECOND
#define GUESS_PENALTY_MOST_NS  (300 * NS_PER_SECOND)

struct ban {
	struct peer_network network;
	int64_t until_ns; /* wall time; 0: the entry is free */
	bool unsaved;     /* the store does not know of it yet */
	uint32_t made;    /* admission->bans_made since then */
};

/* The wrong passwords that came from an address since the last right one. */
struct guesses {
	struct peer_address owner; /* peer_address_owner */
	int64_t until_ns;          /* monotonic: the penalty's end, or the last one's time */
	uint32_t wrong;            /* 0: the entry is free */
};

/* Who comes from there may not speak. */
struct mute {
	struct peer_address owner; /* peer_address_owner */
	int64_t until_ns;          /* monotonic; the entry is free when that is over */
};

struct admission {
	uint32_t most;                 /* connections an address; 0: no limit, nothing is counted */
	_Atomic uint32_t bans_made;    /* how often one was; read without the lock, too */
	_Atomic uint32_t bans_unsaved; /* 0: the store knows of all; read without the lock, too */
	uint32_t ban_count;            /* entries from here on were never used */
	struct ban bans[ADMISSION_BANS_MAX];
	uint32_t guesses_count; /* as ban_count */
	struct guesses guesses[ADMISSION_GUESSES_MAX];
	_Atomic uint32_t mutes_made; /* how often `mutes` changed; read without the lock, too */
	uint32_t mute_count;         /* as ban_count */
	struct mute mutes[ADMISSION_MUTES_MAX];
	struct hash_table counts; /* by address; derived from the seats */
};

size_t admission_size(uint32_t connections);

/* An admission that lets MOST connections an address in (0: any), of CONNECTIONS in all. */
struct admission *admission_create(struct memory *memory, uint32_t connections, uint32_t most);

/* All below with the directory's lock held. */

/* For how many nanoseconds still the address is banned at WALL_NS; 0 if it is not. */
int64_t admission_banned(const struct admission *admission, struct peer_address peer,
			 int64_t wall_ns);

/* Bans a network; an UNTIL_NS that is over lifts its ban. False when there is no room. */
bool admission_ban(struct admission *admission, struct peer_network network, int64_t until_ns,
		   int64_t wall_ns);

/*
 * BANS are all COUNT that the store has, of which only networks and ends count: those that are new
 * hold here from now on, and what others lifted is lifted. What is unsaved here stays as it is.
 */
void admission_learn_bans(struct admission *admission, const struct ban *bans, uint32_t count,
			  int64_t wall_ns);

/*
 * Copies the networks, ADMISSION_BANS_MAX at most, that were banned since bans_made was SEEN and
 * are so still: who is connected from there is to be let go. How many there are.
 */
uint32_t admission_copy_new_bans(const struct admission *admission, uint32_t seen, int64_t wall_ns,
				 struct peer_network *networks);

/*
 * For how many nanoseconds still no password from the address is looked at, at the monotonic
 * NOW_NS; 0 if one may be. Then whether it was right is to be told, with the lock held all the
 * time.
 */
int64_t admission_penalty(const struct admission *admission, struct peer_address peer,
			  int64_t now_ns);

/*
 * From the fifth wrong password on there is a penalty, which doubles with each, up to five minutes.
 * A right one ends the count. When there is no room for one address more, the one whose penalty
 * ended longest ago is forgotten.
 */
void admission_wrong_password(struct admission *admission, struct peer_address peer,
			      int64_t now_ns);
void admission_right_password(struct admission *admission, struct peer_address peer);

/* A password that was counted as wrong will be looked at later, and counted then. */
void admission_unseen_password(struct admission *admission, struct peer_address peer,
			       int64_t now_ns);

/* Mutes an address (IPv6: /64) up to UNTIL_NS, monotonic like NOW_NS. False: there is no room. */
bool admission_mute(struct admission *admission, struct peer_address peer, int64_t until_ns,
		    int64_t now_ns);

/* Until when, monotonic, the address may not speak; over or 0 if it may. */
int64_t admission_muted_until(const struct admission *admission, struct peer_address peer);

/* Copies all bans, ADMISSION_BANS_MAX at most, to BANS: those that are unsaved are to be stored. */
uint32_t admission_copy_bans(const struct admission *admission, struct ban *bans);

/* The store has what is unsaved in that copy. What was changed meanwhile stays unsaved. */
void admission_note_saved(struct admission *admission, const struct ban *bans, uint32_t count);

/* Counts a connection in; false if its address (IPv6: /64) has as many as it may. And out again. */
bool admission_enter(struct admission *admission, struct peer_address peer);
void admission_leave(struct admission *admission, struct peer_address peer);

/* Counts one in that is here, whatever its address may have. */
void admission_count(struct admission *admission, struct peer_address peer);

/* Forgets all counts: they are about to be made again, with admission_count. */
void admission_clear(struct admission *admission);

#endif
