/*
 * claims: what each address got to hold and to wait for.
 *
 * It lies in shared memory (no pointers) and is changed only by the holder of the store's lock, as
 * part of a batch. A claim says whose a hold or a place in the waiting list is, and no more:
 * whether it still stands is asked of the store and of the list (limit.h), and only when an owner
 * seems to have too much. So nobody has to say here that a hold was confirmed, cancelled or lapsed,
 * by whomever; and what a batch that failed or a clerk that died leaves here is a claim that does
 * not stand.
 *
 * What is dropped in a batch is there again when the batch fails. Places are numbers from 1, so
 * that zeroed memory is empty and is not touched before it is used; the links are derived from
 * `state`, so that they can be made again when a holder died.
 */
#ifndef DB_BOOKING_CLAIMS_H
#define DB_BOOKING_CLAIMS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "db/booking/client.h"
#include "shared/base/siphash.h"

#define CLAIMS_MAX     131072 /* at a time, on the whole server */
#define CLAIMS_BUCKETS 65536  /* a power of two */

enum claim_state {
	CLAIM_FREE, /* the entry is not in use */
	CLAIM_MADE,
	CLAIM_DROPPED /* in the batch under way: it does not stand any more */
};

struct claim {
	struct booking_owner owner;
	int64_t quantity;
	int64_t ticket; /* the number of a hold; 0: it is a place in the waiting list */
	int64_t mark;   /* the ticket's salt or the waiter's order: that it is still the same one */
	uint32_t waiter;        /* its place in the waiting list */
	_Atomic uint32_t state; /* enum claim_state */
	uint32_t next;          /* in its bucket, among those dropped, or free; 0: the last */
};

struct claims {
	struct siphash_key key; /* of the buckets */
	uint32_t count;         /* entries in use */
	uint32_t never_used;    /* entries from here on never were */
	uint32_t free;          /* the first of those given back */
	uint32_t dropped;       /* the first of those dropped in the batch under way */
	uint32_t hand;          /* where claims_tidy looks next */
	uint32_t buckets[CLAIMS_BUCKETS];
	struct claim claims[CLAIMS_MAX];
};

/* Whether a claim still stands. */
typedef bool claim_stands(const void *context, const struct claim *claim);

/* Makes an empty one in zeroed memory. */
void claims_init(struct claims *claims);

/* Notes a claim: all but its state and link is to be filled in. False when there is no room. */
bool claims_add(struct claims *claims, const struct claim *claim);
bool claims_have_room(const struct claims *claims);

/* How many tickets the claims of OWNER are for, those that do not stand any more counted in. */
int64_t claims_sum(const struct claims *claims, struct booking_owner owner);

/* Drops those of OWNER that do not stand. */
void claims_drop(struct claims *claims, struct booking_owner owner, claim_stands *stands,
		 const void *context);

/*
 * At a batch's begin, when there is little room: frees those that do not stand among the next
 * CLAIMS_LOOKS, whosever they are.
 */
#define CLAIMS_RESERVE 16384
#define CLAIMS_LOOKS   1024
void claims_tidy(struct claims *claims, claim_stands *stands, const void *context);

/* The batch is committed: who was dropped is gone. Or it failed: they are as before. */
void claims_commit(struct claims *claims);
void claims_roll_back(struct claims *claims);

/* Makes the links again: a holder of the lock died in the middle. */
void claims_repair(struct claims *claims);

#endif
