/*
 * batch: carries out what lies on the queue: one transaction, one sync, then all the answers.
 *
 * Whoever holds the store's lock serves the requests of all workers. That is the group commit:
 * while one batch is synced the next one gathers by itself. A clerk (clerk.h) does it for as long
 * as there is work; with --serialize join a child process (joiner.h) does it for one request.
 */
#ifndef SERVER_BOOKING_BATCH_H
#define SERVER_BOOKING_BATCH_H

#include "db/booking/booking.h"
#include "server/chat/archive.h"
#include "server/state/shared_state.h"

#define BATCH_MAX STORE_NEEDS_MAX /* requests of one transaction */

struct batcher {
	struct shared_state *shared;
	struct booking_queue *queue;
	struct score *score;
	struct store *store;
	struct archive *archive;
	uint32_t worker;  /* whose clerk this is */
	unsigned most;    /* requests of one transaction */
	bool only_one;    /* one batch, then enough */
	bool lets_others; /* other processes are to have the lock now */
	bool new_handle; /* it tells what others change from now on, not what they changed before */
	const struct booking_slot *slot; /* that is being carried out */
	uint64_t commits;                /* that the store took */
	struct store_needs needs;        /* of the batch that begins */
	int64_t taken_ns;                /* monotonic: since when we have the lock */
	_Atomic bool stopping;
	_Atomic bool yields; /* it stops once what its own worker asked for is answered */
};

/* Without a store yet. */
void batch_init(struct batcher *batcher, struct shared_state *shared, uint32_t worker);

/*
 * Opens the store that the master made; false, with the reason in WHY (STORE_ERROR_SIZE bytes),
 * when it cannot. After a failure the handle is not trusted any more: opens another, and then
 * closes the old one, which is still there when this fails. In this order, since SQLite's shared
 * memory goes with the last handle, and cannot be made again while the disk is full.
 */
bool batch_open(struct batcher *batcher, char *why);

/* Keeps the last of the chat and closes the store. */
void batch_close(struct batcher *batcher);

/*
 * The store cannot be opened anew: who waits is told that nothing was done, or that nobody knows.
 */
void batch_give_up(struct batcher *batcher);

/* Whether a program that is none of ours holds the store's lock for long; then the log says so. */
bool batch_note_holder(struct batcher *batcher);

/* What the options let one have. */
struct booking_limits batch_limits(const struct options *options);

/* Whether no further batch is to be begun. */
bool batch_is_over(const struct batcher *batcher);

/*
 * Takes the store's lock, puts in order what a predecessor left, and serves until nothing is left
 * on the queue. False when the store failed (store_error says how): all who were in the batch are
 * told; or, by store_hindrance, when somebody else has it.
 */
bool batch_serve(struct batcher *batcher);

/* For who serves in another way: the lock, waiting two seconds at most; what hinders is logged. */
bool batch_take(struct batcher *batcher);
void batch_give(struct batcher *batcher);
void batch_note_hindrance(struct batcher *batcher);

/* How a request that failed with the store just now is answered, if its commit is not unclear. */
enum booking_outcome batch_failure(const struct batcher *batcher);

/* Keeps what is new of the chat, with the store's lock held. False as above. */
bool batch_keep_chat(struct batcher *batcher);

/*
 * How long a clerk without requests may sleep at most, in nanoseconds: until something is due.
 * TELLS: its store does (store_tells).
 */
int64_t batch_wait_at_most(const struct booking_queue *queue, bool tells);

#endif
