/*
 * stock_board: what is left of each event, in shared memory, for everyone to read at once.
 *
 * The store is the truth; the board is a copy that the holder of the store's lock brings up to date
 * after each commit and before the answers go out, so who reads it after an answer finds it counted
 * in. /events, /left and *sale are answered from it.
 *
 * Written by: all but the sale_ fields the holder of the store's lock; `sale_` whoever wins the
 * compare-and-swap on `sale_ns`.
 */
#ifndef SERVER_STATE_STOCK_BOARD_H
#define SERVER_STATE_STOCK_BOARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "db/store/tickets.h"

#define STOCK_BOARD_EVENTS_MAX 1024

struct stock_board_event {
	int64_t number; /* in the store */
	char name[NAME_EVENT_SIZE];
	char title[STORE_TITLE_SIZE];
	int64_t total;
	int64_t left;
	bool open;
};

struct stock_board_entry {
	_Atomic uint32_t version;  /* of `event`: a sequence lock (seqlock.h) */
	_Atomic int64_t sale_ns;   /* monotonic: when *sale last went out */
	_Atomic int64_t sale_left; /* what it said */
	_Atomic int64_t sale_total;
	struct stock_board_event event;
};

struct stock_board {
	_Atomic uint32_t count;   /* entries are only ever added */
	_Atomic uint32_t changes; /* grows with each change, for who wants to look only then */
	struct stock_board_entry entries[STOCK_BOARD_EVENTS_MAX];
};

/* Brings the event's entry up to date, or adds it, with LEFT tickets; false if it is full. */
bool stock_board_put(struct stock_board *board, const struct store_event *event, int64_t left);

/* Copies entry I; it is there if I < count. */
void stock_board_read(const struct stock_board *board, uint32_t i, struct stock_board_event *event);

/* The event of that name: its INDEX among the entries, and a copy; false if there is none. */
bool stock_board_find(const struct stock_board *board, const char *name, uint32_t *index,
		      struct stock_board_event *event);

/*
 * Whether a *sale is due for entry I at NOW_NS (monotonic) and the caller is the one to send it: at
 * most one each STOCK_BOARD_SALE_PAUSE_NS. If it is too early, WAIT_NS says how long still; 0 if
 * nothing changed.
 */
#define STOCK_BOARD_SALE_PAUSE_NS (250 * INT64_C(1000000))
bool stock_board_claim_sale(struct stock_board *board, uint32_t i, int64_t now_ns,
			    struct stock_board_event *event, int64_t *wait_ns);

/* The sale that was claimed could not be sent: it is due again. */
void stock_board_return_sale(struct stock_board *board, uint32_t i);

#endif
