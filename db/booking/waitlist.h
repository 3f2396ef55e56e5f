/*
 * waitlist: who waits for tickets, in the order in which they asked.
 *
 * It lies in shared memory (no pointers) and is changed only by the holder of the store's lock, as
 * part of a batch: who gets an offer or leaves is not off the list before the batch is committed,
 * who asked in a batch that failed never was on it, and nobody was passed over in it. It knows no
 * store; the rules are in booking.h.
 *
 * The rule for groups: who cannot be served for want of tickets is passed over by those who want
 * fewer, WAITLIST_PASSES_MAX times; from then on what comes back is gathered for that one, for one
 * group an event at a time and not for ever (offer.h). Then it may be passed over as often again.
 *
 * Where several machines share the store, it is a copy of the row of people of all of them
 * (waiters.h), in which the others' have no worker here.
 *
 * The links are derived from `order`, so that they can be made again when a holder died.
 */
#ifndef DB_BOOKING_WAITLIST_H
#define DB_BOOKING_WAITLIST_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "db/booking/client.h"
#include "shared/text/name.h"

#define WAITLIST_MAX        20480 /* waiting at a time, on the whole server */
#define WAITLIST_PASSES_MAX 10
#define WAITLIST_NONE       UINT32_MAX
#define WAITLIST_ELSEWHERE  UINT32_MAX /* the worker of who is connected to another machine */

enum waiter_state {
	WAITER_FREE, /* the entry is not in use */
	WAITER_NEW,  /* asked in the batch under way */
	WAITER_WAITS,
	WAITER_OFFERED, /* got an offer in the batch under way */
	WAITER_LEAVES   /* was taken off in the batch under way */
};

struct waiter {
	uint64_t order; /* the lower, the earlier; never used twice */
	int64_t event;  /* its number in the store */
	int64_t quantity;
	struct booking_client client;
	_Atomic uint32_t state; /* enum waiter_state */
	uint32_t passed;        /* how often it was passed over */
	uint32_t passed_before; /* the batch under way */
	int64_t gathered; /* the number of the ticket that holds what is gathered for it, or 0 */
	int64_t gathered_before; /* the batch under way */
	uint32_t next;
	uint32_t previous;
	char event_name[NAME_EVENT_SIZE];
	_Atomic uint32_t position; /* from 1; as waitlist_number found it last */
	_Atomic uint32_t told;     /* the position that it was told: written by its worker alone */
	/* What other machines did with one of ours, and nobody has told it yet. */
	int64_t offered; /* the number of the ticket that it was offered, or 0 */
	int64_t offered_salt;
	int64_t offered_until_ns; /* wall time */
	bool lost;                /* it was taken off, and is to queue anew */
	uint64_t found;           /* the last of the list's `readings` that saw it in the row */
};

struct waitlist {
	uint64_t last_order;
	uint64_t order_before; /* the batch under way: who came later is new, also if offered */
	uint32_t count;        /* entries in use */
	uint32_t first;
	uint32_t last;
	uint32_t never_used; /* entries from here on never were */
	uint32_t free;       /* the first of those given back, linked by `next` */
	bool changed;        /* since waitlist_number: positions may be others */
	bool batch;          /* some entry is not as it was before the batch under way */
	bool gathers;        /* false: of no event anything is gathered, nor is it due */
	bool news;           /* some entry may be `offered` or `lost` */
	uint64_t readings;   /* of the store's row */
	uint64_t seen;       /* how far the store's row is known here: its count (waiters.h) */
	uint64_t seen_after; /* the batch under way: when it is committed */
	_Atomic uint32_t numberings; /* grows when positions changed */
	struct waiter waiters[WAITLIST_MAX];
};

/* Makes an empty list in zeroed memory. */
void waitlist_init(struct waitlist *list);

/* Whether one more can be added. */
bool waitlist_has_room(const struct waitlist *list);

/* Adds a waiter at the end, as WAITER_NEW; NULL when the list is full. */
struct waiter *waitlist_add(struct waitlist *list, const struct waiter *waiter);

/* The waiter of that connection for that event, or NULL. */
struct waiter *waitlist_find(struct waitlist *list, uint64_t session, int64_t event);

/* A waiter's place in the list's memory; whether the one of that order still waits there. */
uint32_t waitlist_place(const struct waitlist *list, const struct waiter *waiter);
bool waitlist_has(const struct waitlist *list, uint32_t place, uint64_t order);

/* One of that connection's, whatever the event; or NULL. */
struct waiter *waitlist_any_of(struct waitlist *list, uint64_t session);

void waitlist_remove(struct waitlist *list, struct waiter *waiter);

/* In order: the first waiter for EVENT, or the one after WAITER; NULL at the end. Those who were
 * offered something or leave are left out. */
struct waiter *waitlist_first(struct waitlist *list, int64_t event);
struct waiter *waitlist_next(struct waitlist *list, const struct waiter *waiter);

/* Where it stands among those who wait for the same event, from 1. */
uint32_t waitlist_position(struct waitlist *list, const struct waiter *waiter);

/* The lowest number above AFTER of an event that somebody waits for; 0 if there is none. */
int64_t waitlist_event_after(const struct waitlist *list, int64_t after);

/* Somebody else got what this one could not use. */
void waitlist_pass_over(struct waitlist *list, struct waiter *waiter);

/*
 * The group that what comes back to EVENT is gathered for: the one for which it has begun, or else
 * the first that was passed over too often; NULL if there is neither.
 */
struct waiter *waitlist_group(struct waitlist *list, int64_t event);

/* What is gathered for it is held by that ticket; or it was long enough. */
void waitlist_begin_gathering(struct waitlist *list, struct waiter *waiter, int64_t ticket);
void waitlist_end_gathering(struct waitlist *list, struct waiter *waiter);

/*
 * The batch is committed: who was offered something or leaves is off, who is new stays, who was
 * passed over was. Or it failed: the reverse.
 */
void waitlist_commit(struct waitlist *list);
void waitlist_roll_back(struct waitlist *list);

/* Makes the links again: a holder of the lock died in the middle. */
void waitlist_repair(struct waitlist *list);

/*
 * For the copy of the store's row, while no batch has changed the list. All entries in order,
 * whatever their state; NULL at the end. Adds one that is in the row already, with its order, at
 * the end (waitlist_repair puts it in its place); NULL when the list is full. Takes one off.
 */
struct waiter *waitlist_oldest(struct waitlist *list);
struct waiter *waitlist_later(struct waitlist *list, const struct waiter *waiter);
struct waiter *waitlist_join(struct waitlist *list, const struct waiter *waiter);
void waitlist_drop(struct waitlist *list, struct waiter *waiter);

/* Whether it is connected to this machine. */
bool waiter_is_here(const struct waiter *waiter);

/* Brings every waiter's `position` up to date, if any may have changed; false if none did. */
bool waitlist_number(struct waitlist *list);

#endif
