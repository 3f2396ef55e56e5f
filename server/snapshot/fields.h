/*
 * fields: what the parts of a snapshot have in common: the tags of their records, what is kept
 * while one is read, and fields that several of them have.
 *
 * A function that reads sets records->broken when what it finds cannot be; what it put into SHARED
 * by then does not matter any more.
 */
#ifndef SERVER_SNAPSHOT_FIELDS_H
#define SERVER_SNAPSHOT_FIELDS_H

#include "server/state/shared_state.h"
#include "shared/base/record.h"

/* Numbers of records: never used for anything else again. */
enum snapshot_tag {
	SNAPSHOT_SERVER = 1,
	SNAPSHOT_WORKER = 2,
	SNAPSHOT_HAND = 3,
	SNAPSHOT_SEAT = 4,
	SNAPSHOT_STREAM = 5,
	SNAPSHOT_LETTER = 6,
	SNAPSHOT_ROOM = 7,
	SNAPSHOT_MESSAGE = 8, /* of the last room's log */
	SNAPSHOT_BAN = 9,
	SNAPSHOT_GUESSES = 10,
	SNAPSHOT_MUTE = 11,
	SNAPSHOT_LOGIN = 12,
	SNAPSHOT_EVENT = 13,
	SNAPSHOT_QUEUE = 14,
	SNAPSHOT_RING = 15,
	SNAPSHOT_REQUEST = 16, /* of the last ring */
	SNAPSHOT_OFFER = 17,
	SNAPSHOT_UNRELEASED = 18,
	SNAPSHOT_WAITER = 19,
	SNAPSHOT_CLAIM = 20,
	SNAPSHOT_REFUSALS = 21,
	SNAPSHOT_END = 22,
	SNAPSHOT_VERSION = 23, /* the first of all */
	SNAPSHOT_BUS = 24,
	SNAPSHOT_BUS_SOURCE = 25,
	SNAPSHOT_BUS_OUTBOX = 26,
	SNAPSHOT_BUS_LINE = 27 /* of the last outbox */
};

/* A snapshot that is being read: what lies between two of its records. */
struct reading {
	struct shared_state *shared;
	struct arena *arenas[OPTIONS_WORKERS_MAX]; /* NULL: nothing was taken from it yet */
	uint16_t room; /* whose log is being read; ROOM_NONE: no room's */
	uint64_t kept; /* its positions, as they were there, that are not found yet */
	uint64_t places[OPTIONS_WORKERS_MAX];
	bool found[OPTIONS_WORKERS_MAX];
	bool found_kept;
	uint32_t ring;    /* whose requests are being read */
	uint32_t outbox;  /* likewise lines for the bus */
	uint32_t sources; /* of the bus, that were read */
};

/*
 * The number of a worker, of its seat, or of a room's place, of those that there are in SHARED:
 * written, or read; any other is broken, and 0 is returned.
 */
uint32_t worker_field(struct records *records, const struct shared_state *shared, uint32_t worker);
uint32_t seat_field(struct records *records, const struct shared_state *shared, uint32_t seat);
uint16_t room_field(struct records *records, uint16_t room);

#endif
