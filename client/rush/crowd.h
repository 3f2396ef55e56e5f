/*
 * crowd: the buyers of a rush, all of them in one thread, on some connections. A buyer has a key of
 * its own, so that who lost a connection asks again and is sold once: at the next server, if there
 * are several.
 */
#ifndef CLIENT_RUSH_CROWD_H
#define CLIENT_RUSH_CROWD_H

#include <stdint.h>
#include <sys/socket.h>

#include "client/rush/tally.h"
#include "shared/process/signal_flag.h"

/* What the event is like, as the server says it. */
struct rush_event {
	const char *name;
	int64_t left;
	int64_t left_at_first;
	int64_t total;
};

/* One that they buy at. Of several, each sells from the same store. */
struct rush_server {
	const struct server_address *named;
	struct sockaddr_storage address; /* where it was found */
	socklen_t address_length;
};

struct rush_plan {
	unsigned connections;     /* over all servers */
	int64_t each;             /* tickets a buyer wants */
	uint64_t number;          /* of this rush: stands in the keys, so that they are new */
	struct rush_event *event; /* its `left` follows the sale */
	const struct rush_server *servers;
	unsigned server_count;
	const signal_flag *stop;
	/* Called some times a second; may be NULL. */
	void (*progress)(const struct rush_plan *plan, const struct rush_tally *tally);
	int64_t *elapsed_ns; /* set: from the first question to the last answer */
};

/* Has TALLY's buyers buy, until each knows, or *stop, or the server is gone for good. */
void rush_crowd_run(const struct rush_plan *plan, struct rush_tally *tally);

#endif
