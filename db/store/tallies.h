/*
 * tallies: what the tickets of each event add up to, beside what its counters say.
 *
 * Filled event by event, in the order of their numbers, and then ticket by ticket, from wherever
 * they come. Knows no store.
 */
#ifndef DB_STORE_TALLIES_H
#define DB_STORE_TALLIES_H

#include "db/store/records.h"

struct tally {
	struct store_event event;
	int64_t sold; /* what its tickets say, in tickets */
	int64_t held;
	int64_t admitted; /* of what is sold */
};

struct tallies {
	struct tally *of; /* each event */
	size_t count;
	size_t room;
};

/* Adds one of its event's tickets. Only quantity and state are looked at. */
void tally_add(struct tally *tally, const struct store_ticket *ticket);

/* False when there is no memory. */
bool tallies_add_event(struct tallies *tallies, const struct store_event *event);

/* Only event, quantity and state are looked at. False when the event is not there. */
bool tallies_add_ticket(struct tallies *tallies, const struct store_ticket *ticket);

/* NULL when there is none. */
const struct tally *tallies_find(const struct tallies *tallies, const char *name);

/* Whether a ticket's quantity can be one; one that cannot is not added up. */
bool tallies_is_quantity(int64_t quantity);

void tallies_finish(struct tallies *tallies);

#endif
