/*
 * plain_ends: how many bytes went through the plain end of each TLS connection, in shared memory.
 *
 * Of a TCP socket the kernel knows what it took and gave, whatever became of its process
 * (session/kernel.h); of a pair of sockets it knows only what lies in between. So the tls process
 * counts at its end. An end's number goes with the other end to whoever serves it; it is never
 * given to another, so who asks for one that is over is told so.
 *
 * It is a memory of its own, which goes along when another binary takes over: tls processes of both
 * use it then (process/lingering.h). What lies in it is of one form for all of them: who changes
 * that changes PLAIN_ENDS_FORM, and TLS connections end at the upgrade to it.
 *
 * Written by the tls processes, each its own ends; those of one that has ended by the master.
 */
#ifndef SERVER_STATE_PLAIN_ENDS_H
#define SERVER_STATE_PLAIN_ENDS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "shared/base/memory.h"
#include "shared/tls/relay.h"

#define PLAIN_ENDS_FORM  UINT64_C(0x7475726e73740001)
#define PLAIN_ENDS_USERS 16 /* tls processes at a time */

struct plain_end {
	_Atomic uint32_t user;   /* whose: its place in the table's users, from 1; 0: nobody's */
	_Atomic uint64_t number; /* 0: it is over */
	_Atomic uint64_t uses;   /* of this place, ever */
	struct relay_count count;
};

/* A tls process. */
struct plain_user {
	_Atomic pid_t pid; /* 0: nobody */
	_Atomic uint32_t connections;
	_Atomic int64_t heartbeat_ns; /* monotonic: its loop was here */
};

struct plain_table {
	uint64_t form; /* PLAIN_ENDS_FORM */
	struct plain_user users[PLAIN_ENDS_USERS];
	_Alignas(CACHE_LINE) struct plain_end ends[];
};

/* Each process's own: nothing in the table says where it ends, or who one is. */
struct plain_ends {
	struct memory memory;
	int file;        /* the master's: with which the table can be mapped */
	uint32_t places; /* ends that there can be */
	uint32_t user;   /* of the tls process: its own; 0: it is none */
	uint32_t next;   /* likewise: where a free place is looked for */
	struct plain_table *table;
};

/* Before the first fork: PLACES ends, none of them in use. Dies when memory is gone. */
void plain_ends_create(struct plain_ends *ends, uint32_t places);

/*
 * Likewise, in place of those that there are: what lies in FILE, owned from here on, which another
 * binary made. False, with nothing changed and FILE closed, if it is of another form.
 */
bool plain_ends_join(struct plain_ends *ends, int file);

/* Unmaps and closes. */
void plain_ends_finish(struct plain_ends *ends);

/* A tls process, at its start: false if there are too many. And now and then: it is well. */
bool plain_ends_enter(struct plain_ends *ends, pid_t pid);
void plain_ends_beat(struct plain_ends *ends, int64_t now_ns, uint32_t connections);

/* The master: that process has ended, and its ends are over. */
void plain_ends_forget(struct plain_ends *ends, pid_t pid);

/* What a tls process says of itself; NULL: there is none of that pid. And how many there are. */
const struct plain_user *plain_ends_user(const struct plain_ends *ends, pid_t pid);
uint32_t plain_ends_users(const struct plain_ends *ends);

/* The tls process: the number of a new end, 0 if there are too many; its count; and it is over. */
uint64_t plain_ends_take(struct plain_ends *ends);
struct relay_count *plain_ends_count(struct plain_ends *ends, uint64_t number);
void plain_ends_give(struct plain_ends *ends, uint64_t number);

/*
 * Anyone: the end of that number; NULL if it is over. Whether its count stands still, between two
 * calls of the tls process to the kernel; and whether it still is as it was then.
 */
const struct plain_end *plain_ends_find(const struct plain_ends *ends, uint64_t number);
bool plain_end_is_still(const struct plain_end *end, uint32_t *version);
bool plain_end_was_still(const struct plain_end *end, uint64_t number, uint32_t version);

#endif
