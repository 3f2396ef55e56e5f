/*
 * publisher: sends on their way to the stream what workers put into their outboxes (state/bus.h):
 * the first step of a line through the bus.
 *
 * It knows only which line is next. That one is in the stream is known when the reader brings it
 * back; what is not back when the connection is made anew, or for too long, is published again, and
 * the stream, or else who reads it (order.h), knows it for the same. So much is on its way at a
 * time.
 */
#ifndef SERVER_BUS_PUBLISHER_H
#define SERVER_BUS_PUBLISHER_H

#include "server/bus/jetstream.h"
#include "server/state/shared_state.h"

struct publisher_place {
	uint64_t next;    /* number of the line that is to be published next */
	uint64_t said;    /* of the outbox, when it was looked at */
	int64_t said_ns;  /* and when that changed last, or a round began: monotonic */
	int64_t heard_ns; /* when one came back last, or none was on its way: likewise */
	int64_t round_ns; /* when it began once more with the first that is not back */
	uint32_t round;   /* how often it did */
	_Atomic uint64_t
		missing; /* the line that is not in the stream, plus 1; 0: none is missed */
};

struct publisher {
	struct shared_state *shared;
	struct publisher_place places[OPTIONS_WORKERS_MAX];
};

void publisher_init(struct publisher *publisher, struct shared_state *shared);

/* The connection is a new one: what is not back is published again. */
void publisher_begin(struct publisher *publisher);

/* Whether there is something to be published. */
bool publisher_has_work(const struct publisher *publisher);

/* Publishes all that there is; false when the stream took no more. */
bool publisher_run(struct publisher *publisher, struct jetstream *stream, int64_t now_ns);

/* Whether lines have not come back for so long that they are not taken. */
bool publisher_is_stuck(const struct publisher *publisher, int64_t now_ns);

/* The reader: one of WORKER's came before the first that is not back, so that one is not there. */
void publisher_note_missing(struct publisher *publisher, int worker);

#endif
