/*
 * tally: what became of each buyer of a rush, and the figures that follow. Knows no socket.
 */
#ifndef CLIENT_RUSH_TALLY_H
#define CLIENT_RUSH_TALLY_H

#include <stdbool.h>
#include <stdint.h>

#include "client/options/server_address.h"
#include "db/store/code.h"
#include "shared/text/words.h"

#define RUSH_BUYERS_MAX   10000
#define RUSH_PROBLEM_SIZE 256

enum rush_fate {
	RUSH_UNKNOWN, /* not asked, or not answered */
	RUSH_SOLD,
	RUSH_REFUSED, /* sold out, or closed */
	RUSH_ERROR
};

struct rush_buyer {
	enum rush_fate fate;
	unsigned server;  /* asked last: its number */
	int64_t asked_ns; /* first; monotonic; 0: not yet */
	int64_t settled_ns;
	char code[CODE_SIZE];
};

struct rush_tally {
	unsigned count;
	struct rush_buyer *buyers;
	unsigned settled;
	unsigned sold;
	unsigned refused;
	unsigned errors;
	uint64_t retries;                /* how often somebody asked again */
	char problem[RUSH_PROBLEM_SIZE]; /* the first error's text, cleaned; or "" */
};

/* What LINE, an answer, makes of BUYER. False: it is to ask again. */
bool rush_tally_answer(struct rush_tally *tally, struct rush_buyer *buyer, struct span line,
		       int64_t now_ns);

/* Who is not settled is an error now, for the reason WHY. */
void rush_tally_give_up(struct rush_tally *tally, const char *why);

/* From the first question to the answer. */
struct rush_times {
	int64_t p50_ns;
	int64_t p99_ns;
	int64_t longest_ns;
};

/* What one of several servers answered. */
struct rush_share {
	unsigned sold;
	unsigned refused;
	unsigned errors;
	struct rush_times times;
};

struct rush_figures {
	uint64_t doubles; /* codes that more than one buyer got */
	unsigned unknown; /* buyers not settled */
	struct rush_times times;
	double per_second;
	unsigned server_count;
	struct rush_share shares[SERVER_ADDRESSES_MAX];
	bool audited; /* the server added up its bookings: */
	bool adds_up;
	int64_t left;     /* where they add up; */
	int64_t total;    /* likewise */
	int64_t oversold; /* where not: tickets that we got though they were not there */
};

/* Fills in what follows from the tally of so many servers; false when there is no memory. */
bool rush_figures_make(struct rush_figures *figures, const struct rush_tally *tally,
		       unsigned server_count, int64_t elapsed_ns);

#endif
