/*
 * invariants: what must hold in every store at any time, looked up in the store itself.
 *
 * Each event's counters are what its tickets add up to, and not more than its total; states and
 * kinds are known ones; tickets are numbered without a gap and belong to events that exist; a hold
 * has an end and nothing else has; no key is there twice. Used by `turnstile store check` and by
 * tests.
 */
#ifndef DB_STORE_INVARIANTS_H
#define DB_STORE_INVARIANTS_H

#include "db/store/tickets.h"

#define INVARIANTS_BREACH_SIZE 256 /* bytes of a breach as a line, a NUL counted in */

struct invariants_look {
	void (*event)(void *context, const struct store_event *event);
	void (*breach)(void *context, const char *text); /* each thing that is wrong */
	void *context;
};

/*
 * Looks through the store, within a transaction that the caller began. STORE_NONE when something
 * is wrong; STORE_FAILED also when there is no memory.
 */
enum store_result invariants_look(struct store *store, const struct invariants_look *look);

#endif
