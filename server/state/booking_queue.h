/*
 * booking_queue: booking requests and their answers, in shared memory; and the batch under way.
 *
 * Each worker has a ring of slots. Its loop puts requests in; whoever holds the store's lock (the
 * clerk of any worker) carries out those of all rings in turn, writes each answer into its slot,
 * commits if there is anything to commit, and only then publishes the answers; the worker's loop
 * takes them out in order. So a request that its worker does not live to see answered is carried
 * out all the same, and a holder who dies leaves nothing unclear: before the commit it notes in
 * `batch` what the answers are good for, and the store keeps the batch's number in the same
 * transaction. Its successor asks the store, and either publishes the answers or carries the
 * requests out again.
 *
 * A request that waits too long is taken back by its worker's loop, and then nobody carries it out:
 * one atomic exchange on its slot (`claim`) gives it to the one or to the other.
 *
 * Written by: `submitted`, `taken`, a slot's request and `unreleased` that worker's loop;
 * `answered`, the answers and `batch` the holder of the store's lock; `serving` the holder, and the
 * master when it died.
 */
#ifndef SERVER_STATE_BOOKING_QUEUE_H
#define SERVER_STATE_BOOKING_QUEUE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "db/booking/booking.h"
#include "server/config/options.h"
#include "server/state/refusals.h"
#include "shared/base/memory.h"
#include "shared/sync/mutex.h"

#define BOOKING_QUEUE_SLOTS 1024 /* requests of one worker under way; a power of two */

/* Whose a request is. */
enum booking_claim {
	BOOKING_WAITING,
	BOOKING_TAKEN,     /* a batch's: it is carried out, also by a successor, and answered */
	BOOKING_WITHDRAWN, /* its worker's, who is to tell who asked that nothing was done */
	BOOKING_TOLD       /* likewise, and it is told */
};

struct booking_slot {
	uint32_t seat;    /* whose request it is: the worker's own business */
	uint64_t session; /* likewise */
	uint64_t asked;   /* likewise: hand->begun when it was put in */
	int64_t since_ns; /* monotonic: it came to this machine after that */
	uint64_t
		arrival; /* the lower, the earlier, over all rings: in this order they are served */
	int64_t asked_ns;       /* monotonic: likewise */
	_Atomic uint32_t claim; /* enum booking_claim */
	struct booking_request request;
	struct booking_answer answer;
};

struct booking_ring {
	_Alignas(CACHE_LINE) _Atomic uint64_t submitted; /* requests ever put in */
	_Alignas(CACHE_LINE) _Atomic uint64_t answered;  /* of them, durably answered */
	_Alignas(CACHE_LINE) _Atomic uint64_t taken;     /* of them, taken out */
	_Alignas(CACHE_LINE) _Atomic uint32_t bell;      /* what its clerk sleeps on (futex) */
	_Atomic uint32_t clerk_asleep;
	struct booking_slot slots[BOOKING_QUEUE_SLOTS];
};

/* Offers to a worker's waiters: written by the holder, published with the answers of the batch. */
#define BOOKING_QUEUE_OFFERS 1024
struct booking_offers {
	_Alignas(CACHE_LINE) uint64_t written; /* in the batch under way, or before */
	_Atomic uint64_t published;
	_Alignas(CACHE_LINE) _Atomic uint64_t taken; /* by that worker's loop */
	struct booking_offer slots[BOOKING_QUEUE_OFFERS];
};

/*
 * A worker's sessions that ended while the store failed: what they held is to be given back yet.
 * Here and not in the worker, so that its successor does it if the worker dies before.
 */
#define BOOKING_QUEUE_UNRELEASED 16384
struct booking_queue_unreleased {
	_Atomic uint32_t count;
	uint64_t sessions[BOOKING_QUEUE_UNRELEASED];
};

/* How far the holder of the lock has come with a batch. */
enum batch_state {
	BATCH_NONE,
	BATCH_CARRIED_OUT, /* requests are being carried out: nothing of it is in the store */
	BATCH_COMMITTED    /* it may be in the store: ask, and then publish or do it again */
};

struct booking_queue {
	unsigned workers;
	bool each_own;  /* a clerk serves its own worker's ring alone */
	bool one_clerk; /* who serves sleeps on the first ring's bell, and not on each one's own */
	int64_t server; /* under which the store keeps our batches: random, above 0 */
	/* 1 + the worker whose clerk is at work; 0: none is. */
	_Alignas(CACHE_LINE) _Atomic uint32_t serving;
	struct {
		_Atomic uint32_t state; /* enum batch_state */
		int64_t number;         /* of the last one that was begun */
		bool unclear; /* its commit failed, and it may be in the store all the same */
		uint64_t end[OPTIONS_WORKERS_MAX]; /* what `answered` will be */
	} batch;
	bool unseen; /* a commit that failed may be in the store, and nobody has looked since */
	_Atomic uint64_t arrivals; /* requests ever submitted, in all rings */
	_Atomic int64_t failed_ns; /* monotonic: when the store failed; 0: it took the last batch */
	_Atomic bool hindered;     /* somebody else has the store, or it is away: the log said so */
	_Atomic uint64_t
		refused;      /* what the log said that is wrong with a database that is there */
	_Atomic bool awaited; /* it was not there at the start, and is not yet: no bookings */
	_Atomic uint64_t identity;      /* of the database that the store is, when that is known */
	_Atomic int64_t answered_ns;    /* monotonic: when any request was answered last */
	_Atomic int64_t next_expiry_ns; /* wall time: when a hold ends next; 0: not known, look */
	uint64_t servers_seen;          /* on the store, as store_servers says it */
	uint64_t servers_settled;       /* what is tied to those that are gone by then has lapsed */
	int64_t looked_ns;      /* monotonic: when the store was looked at for others' changes */
	int64_t numbered_ns;    /* monotonic: when the waiters were numbered last */
	bool bans_due;          /* others may have made or lifted some */
	int64_t bans_looked_ns; /* monotonic: when they were looked at last */
	struct booking_ring rings[OPTIONS_WORKERS_MAX];
	struct booking_offers offers[OPTIONS_WORKERS_MAX];
	struct booking_queue_unreleased unreleased[OPTIONS_WORKERS_MAX];
	struct waitlist waitlist;
	struct refusals refusals;
	struct mutex counting; /* held by who counts all tickets (booking/auditor.h) */
	struct claims claims;
};

void booking_queue_init(struct booking_queue *queue, unsigned workers);

/* The loop of WORKER: a slot to write a request into, or NULL if too many are under way. */
struct booking_slot *booking_queue_reserve(struct booking_queue *queue, uint32_t worker);
void booking_queue_submit(struct booking_queue *queue, uint32_t worker);

/*
 * Who serves: whether the request is to be carried out, now or, after a death, again. The loop:
 * takes one back; false if it was taken. Both: from then on it is certain.
 */
bool booking_slot_take(struct booking_slot *slot);
bool booking_slot_withdraw(struct booking_slot *slot);

/* The loop, once after it submitted: rings for its clerk, unless somebody's is at work anyway. */
void booking_queue_call(struct booking_queue *queue, uint32_t worker);

/* The loop: the oldest slot with an answer not yet taken, or NULL; then it is taken. */
const struct booking_slot *booking_queue_answer(struct booking_queue *queue, uint32_t worker);
void booking_queue_take(struct booking_queue *queue, uint32_t worker);
bool booking_queue_has_answer(const struct booking_queue *queue, uint32_t worker);

/* The loop: the oldest offer to one of its sessions that is not yet taken, or NULL; it is taken. */
const struct booking_offer *booking_queue_offer(struct booking_queue *queue, uint32_t worker);
void booking_queue_take_offer(struct booking_queue *queue, uint32_t worker);

/* The loop: keeps a session that is to be released again; false if there are too many of them. */
bool booking_queue_keep_unreleased(struct booking_queue *queue, uint32_t worker, uint64_t session);

/* The loop: one of those kept, or 0 if there is none; then it is forgotten. */
uint64_t booking_queue_unreleased(const struct booking_queue *queue, uint32_t worker);
void booking_queue_forget_unreleased(struct booking_queue *queue, uint32_t worker);

/* Whether any ring holds requests that nobody answered. */
bool booking_queue_has_work(const struct booking_queue *queue);
bool booking_queue_has_work_of(const struct booking_queue *queue, uint32_t worker);

/* A clerk: sleeps until somebody rings its bell, TIMEOUT_NS at most. */
void booking_queue_wait(struct booking_queue *queue, uint32_t worker, int64_t timeout_ns);

/* Anyone: wakes that worker's clerk. */
void booking_queue_ring_bell(struct booking_queue *queue, uint32_t worker);

/* The master, when WORKER died: if its clerk was at work, others have to go on. */
void booking_queue_bury(struct booking_queue *queue, uint32_t worker);

#endif
