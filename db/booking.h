/*
 * booking: the rules of selling: one request carried out on a store, inside a transaction that the
 * caller began.
 *
 * The box office puts requests into its ring in shared memory; the clerk carries out one after the
 * other and commits them together. So a request and its answer are of fixed size and hold no
 * pointer. A request that is refused changes nothing; one that cannot be carried out since the
 * store failed says BOOKING_FAILED, and then the whole transaction is lost. Knows no clock and no
 * socket.
 */
#ifndef DB_BOOKING_H
#define DB_BOOKING_H

#include <stdint.h>

#include "db/store.h"

enum booking_verb {
	BOOKING_BOOK,
	BOOKING_EVENT_NEW,
	BOOKING_EVENT_OPEN,
	BOOKING_EVENT_CLOSE,
	BOOKING_EVENT_GROW
};

struct booking_request {
	enum booking_verb verb;
	int64_t quantity;             /* of tickets; new: the total; grow: how many more */
	char event[NAME_EVENT_SIZE];  /* a good name (name_is_event) */
	char key[NAME_KEY_SIZE];      /* a good key or "" */
	char title[STORE_TITLE_SIZE]; /* new: clean text or "" */
};

enum booking_outcome {
	BOOKING_DONE,      /* what was asked for; `code` is set for a ticket */
	BOOKING_NOT_FOUND, /* no such event */
	BOOKING_SOLD_OUT,  /* fewer are left than asked for: `left` says how many */
	BOOKING_CLOSED,    /* the event does not sell now */
	BOOKING_KEY_TAKEN, /* the key was used for another request */
	BOOKING_USED,      /* the key's ticket was cancelled */
	BOOKING_EXPIRED,   /* the key's hold lapsed */
	BOOKING_EXISTS,    /* new: that event exists */
	BOOKING_LIMIT,     /* grow: below what is sold and held, or beyond STORE_TOTAL_MAX */
	BOOKING_FAILED     /* the store failed; nothing was done */
};

struct booking_answer {
	enum booking_outcome outcome;
	int64_t quantity;
	int64_t left;  /* of the event, after this request */
	int64_t total; /* likewise */
	char code[CODE_SIZE];
};

/* Carries out REQUEST at WALL_NS (wall time) and writes what came of it to ANSWER. */
void booking_carry_out(struct store *store, const struct booking_request *request, int64_t wall_ns,
		       struct booking_answer *answer);

#endif
