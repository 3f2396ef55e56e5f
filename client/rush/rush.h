/*
 * rush: many buyers against a running server at once, each with a key of its own, so that who lost
 * a connection asks again and is sold once.
 *
 * The crowd (rush_crowd.c) runs all of them in one thread; what became of each stands in the tally,
 * which knows no socket. rush_report.c makes figures of it.
 */
#ifndef CLIENT_RUSH_RUSH_H
#define CLIENT_RUSH_RUSH_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>

#include "db/store/code.h"
#include "shared/text/name.h"
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

/* What the event is like, as the server says it. */
struct rush_event {
	const char *name;
	int64_t left;
	int64_t left_at_first;
	int64_t total;
};

struct rush_plan {
	unsigned connections;
	int64_t each;             /* tickets a buyer wants */
	uint64_t number;          /* of this rush: stands in the keys, so that they are new */
	struct rush_event *event; /* its `left` follows the sale */
	struct sockaddr_storage address;
	socklen_t address_length;
	const volatile bool *stop;
	/* Called some times a second; may be NULL. */
	void (*progress)(const struct rush_plan *plan, const struct rush_tally *tally);
	int64_t *elapsed_ns; /* set: from the first question to the last answer */
};

/* Has TALLY's buyers buy, until each knows, or *stop, or the server is gone for good. */
void rush_crowd_run(const struct rush_plan *plan, struct rush_tally *tally);

/* What LINE, an answer, makes of BUYER. False: it is to ask again. */
bool rush_tally_answer(struct rush_tally *tally, struct rush_buyer *buyer, struct span line,
		       int64_t now_ns);

/* Who is not settled is an error now, for the reason WHY. */
void rush_tally_give_up(struct rush_tally *tally, const char *why);

struct rush_figures {
	uint64_t doubles; /* codes that more than one buyer got */
	unsigned unknown; /* buyers not settled */
	int64_t p50_ns;   /* from the first question to the answer, over all settled */
	int64_t p99_ns;
	int64_t longest_ns;
	double per_second;
	bool audited; /* the server added up its bookings: */
	bool adds_up;
	int64_t left;     /* where they add up; */
	int64_t total;    /* likewise */
	int64_t oversold; /* where not: tickets that we got though they were not there */
};

/* Fills in what follows from the tally; false when there is no memory. */
bool rush_figures_make(struct rush_figures *figures, const struct rush_tally *tally,
		       int64_t elapsed_ns);

void rush_report_print(const struct rush_figures *figures, const struct rush_tally *tally,
		       const struct rush_plan *plan, FILE *to);
void rush_report_print_json(const struct rush_figures *figures, const struct rush_tally *tally,
			    const struct rush_plan *plan, FILE *to);

#endif
