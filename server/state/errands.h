/*
 * errands: what one machine asks of another about one of its people, while it is under way: in
 * shared memory, between workers and the bus process.
 *
 * There are those that people here ask for, and those that others ask of people here. One of the
 * first kind is written by the worker of who asks (ERRAND_ASKED); the bus process sends it, once
 * (ERRAND_SENT), writes what the other machine answers (ERRAND_ANSWERED), and the worker takes it.
 * One of the second kind is written by the bus process (ERRAND_ASKED), taken by the worker of who
 * is meant (ERRAND_SENT), once, and answered by it; the bus process sends the answer.
 *
 * Who moves the state on, with a compare and exchange, is the only one to write the rest. Whoever
 * is killed over one leaves it as it is: it is never done twice, who asked hears after ERRAND_NS
 * that it was not, and the bus process frees it a little later.
 */
#ifndef SERVER_STATE_ERRANDS_H
#define SERVER_STATE_ERRANDS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "server/config/options.h"
#include "server/state/presence.h"
#include "shared/base/clock.h"
#include "shared/base/memory.h"

#define ERRANDS          256                 /* under way at a time, of each kind */
#define ERRAND_NS        (1800 * NS_PER_MS)  /* for an answer */
#define ERRAND_DO_NS     (1400 * NS_PER_MS)  /* of that, until it is done there or not at all */
#define ERRAND_FREE_NS   (5 * NS_PER_SECOND) /* behind that, for whoever was killed over it */
#define ERRAND_TEXT_SIZE 3200                /* bytes of its text */

/* Numbers are told to other machines: never used for anything else again. */
enum errand_kind { ERRAND_TELL = 1, ERRAND_WHERE = 2, ERRAND_KICK = 3, ERRAND_MUTE = 4 };

enum errand_result {
	ERRAND_DONE = 1,
	ERRAND_NOBODY = 2, /* nobody has that nick */
	ERRAND_BUSY = 3,   /* it was not done, or nobody said so in time */
	ERRAND_MANY = 4    /* too many are muted there */
};

enum errand_state { ERRAND_FREE, ERRAND_WRITING, ERRAND_ASKED, ERRAND_SENT, ERRAND_ANSWERED };

struct errand {
	uint8_t kind;                 /* enum errand_kind */
	uint64_t number;              /* as the machine that asks counts them */
	struct address who;           /* who asks, here; or the worker of who is meant */
	char node[OPTIONS_NODE_SIZE]; /* the other machine */
	int64_t until_ns;             /* monotonic: when it is too late */
	uint32_t seconds;             /* ERRAND_MUTE */
	char nick[NAME_NICK_SIZE];    /* who is meant; when it is answered, as that is spelled */
	char by[NICK_AT_SIZE];        /* who asks */
	uint16_t length;
	char text[ERRAND_TEXT_SIZE];
	/* The answer. */
	uint8_t result; /* enum errand_result */
	uint32_t worker;
	int32_t pid;
};

struct errand_table {
	_Atomic uint32_t states[ERRANDS]; /* enum errand_state */
	struct errand errands[ERRANDS];
};

struct errands {
	_Atomic uint64_t last;                  /* number of the last one that was asked for here */
	_Atomic bool news[OPTIONS_WORKERS_MAX]; /* that worker is to look */
	struct errand_table asked;              /* by people here */
	struct errand_table given;              /* by others */
};

size_t errands_size(void);

/* Before the first fork. */
struct errands *errands_create(struct memory *memory);

/* Takes a free one, to be written and then moved on to ERRAND_ASKED; -1 if there is none. */
int errand_take(struct errand_table *table);

/* Moves one on; false if it is not where it was. */
bool errand_move(struct errand_table *table, int place, enum errand_state from,
		 enum errand_state to);

#endif
