/*
 * store_needs: what a batch will ask a store for, told before its transaction begins.
 *
 * A store in a file has each answer at hand. For one behind a network a question is a journey, so
 * it fetches beforehand, in one, all that is named here. Nothing rests on it: what is not named is
 * asked for when it is needed, and what is named in vain was fetched in vain.
 *
 * Filled by booking_foresee, request by request; whoever begins the transaction owns it. The texts
 * are the requests' own. All of it has to stay until the transaction is over.
 */
#ifndef DB_STORE_NEEDS_H
#define DB_STORE_NEEDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STORE_NEEDS_MAX 512 /* of each, and requests of one batch */

struct store_needs {
	const char *events[STORE_NEEDS_MAX]; /* names; each may be there several times */
	const char *keys[STORE_NEEDS_MAX];
	int64_t tickets[STORE_NEEDS_MAX]; /* numbers */
	int64_t numbers[STORE_NEEDS_MAX]; /* of events */
	uint64_t ties[STORE_NEEDS_MAX];   /* connections whose tied holds lapse */
	size_t event_count;
	size_t number_count;
	size_t key_count;
	size_t ticket_count;
	size_t tie_count;
	int64_t server;        /* whose batch it is (batches.h); 0: nobody's */
	bool adds;             /* tickets may be added */
	bool gone;             /* what is tied to servers that are gone lapses */
	bool waiters;          /* who waits is read, and may be changed (waiters.h) */
	uint64_t waiters_seen; /* likewise: how far the row is known already; 0: not at all */
};

#endif
