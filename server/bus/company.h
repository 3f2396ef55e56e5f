/*
 * company: this machine among the others, over the connection to the bus: it makes sure that the
 * name is its own, tells who is here (beacon.h) and hears who is there (others.h).
 */
#ifndef SERVER_BUS_COMPANY_H
#define SERVER_BUS_COMPANY_H

#include "server/bus/jetstream.h"
#include "server/state/shared_state.h"

struct company;

/* Dies when memory is gone. */
struct company *company_create(struct shared_state *shared, struct jetstream *stream);
void company_destroy(struct company *company);

/*
 * The connection is made: joins the others. False, and jetstream_error says why: another server has
 * the name. The first time that takes a third of a second, to hear of that.
 */
bool company_join(struct company *company);

/*
 * Often, while the connection holds: takes what is told, and tells. Adds a bit to WAKES for each
 * worker that it is news for. False as above: the name was another's before.
 */
bool company_turn(struct company *company, uint64_t *wakes);

/* The server stops: the others hear it. */
void company_leave(struct company *company);

#endif
