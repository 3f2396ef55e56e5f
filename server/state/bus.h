/*
 * bus: what lies between this machine's workers and its bus process, in shared memory: lines that
 * are on their way to the stream of all machines, and how far the stream has been read.
 *
 * A line is said when the stream has it. A worker puts it into its outbox and is done with it; the
 * bus process publishes it, and when it comes back with everybody else's it is appended to the
 * room's log, and its place in the outbox is free. An outbox is bounded; its lines have numbers
 * from 0 on, which never start anew as long as the server's epoch is the same: so a line is known
 * in the stream by node, epoch, worker and number.
 *
 * Written by: an outbox's `put` and the line behind it that worker; `said` and all else the bus
 * process; `told` that worker. A worker killed before it stores `put` has put nothing. A bus
 * process killed anywhere reads the stream once more from `position`, which is stored last: what it
 * had done by then, the room's log (rooms.h), `last` and `said` tell.
 */
#ifndef SERVER_STATE_BUS_H
#define SERVER_STATE_BUS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "server/config/options.h"
#include "server/state/rooms.h"

#define BUS_LINES   1024 /* of a worker's that wait for the stream at most */
#define BUS_SOURCES 1024 /* workers, of all machines, whose lines are kept apart */

/* What a worker hands on; nick and text stand in `bytes`, one behind the other. */
struct bus_line {
	uint8_t kind; /* enum message_kind */
	uint8_t nick_length;
	uint16_t text_length;
	struct address sender;
	int64_t wall_ns;
	uint64_t rename; /* MESSAGE_RENAMED: which one */
	bool is_heard;   /* likewise: who is in the room is to hear of it there */
	char room[NAME_ROOM_SIZE];
	char bytes[ROOM_MESSAGE_MAX];
};

struct bus_outbox {
	_Alignas(CACHE_LINE) _Atomic uint64_t put;  /* lines ever put */
	_Atomic uint64_t told;                      /* `notices` that its people were told of */
	_Alignas(CACHE_LINE) _Atomic uint64_t said; /* of them, those that came back */
	struct bus_line lines[BUS_LINES];           /* number N lies at N % BUS_LINES */
};

/* Somebody whose lines stand in the stream in the order of their numbers: a worker somewhere. */
struct bus_source {
	char node[OPTIONS_NODE_SIZE]; /* "": the place is free */
	uint32_t worker;
	uint64_t epoch;
	_Atomic uint64_t last; /* number of the last line of its that counted */
	uint64_t holes;        /* of the stream, when that came */
	uint64_t heard;        /* its place in the stream */
};

/* A rename, which stands in several rooms of somebody's: those that it came for so far. */
struct bus_rename {
	uint64_t number;
	uint8_t room_count;
	uint8_t heard_count;            /* the first of them: who is there is to hear it */
	uint16_t rooms[SEAT_ROOMS_MAX]; /* their places here */
};

#define BUS_RENAMES 64 /* that are kept, of all machines */

/* What is counted, for /stats. */
enum bus_counter {
	BUS_SENT,     /* lines published, again and again if need be */
	BUS_RECEIVED, /* lines that the stream brought and that count */
	BUS_LEFT_OUT, /* messages in it that are none of ours, or came twice */
	BUS_CUTS,     /* how often it could not be reached for two seconds */
	BUS_COUNTERS
};

struct bus {
	uint64_t epoch;            /* of this server: another one each time it is started anew */
	_Atomic bool up;           /* the stream is there and is being read */
	_Atomic uint64_t notices;  /* odd: it has been away for two seconds; even: it is back */
	_Atomic uint64_t stream;   /* which stream `position` is of; 0: none was seen yet */
	_Atomic uint64_t position; /* of the last message that was read in it */
	_Atomic uint64_t before;   /* of its last message when it was read from its beginning */
	_Atomic uint64_t history;  /* of its last message when it was opened last */
	_Atomic uint64_t holes;    /* how often numbers were missing in it: what went too old */
	_Atomic uint64_t counters[BUS_COUNTERS];
	struct bus_source sources[BUS_SOURCES];
	struct bus_rename renames[BUS_RENAMES]; /* by number, modulo BUS_RENAMES */
	struct bus_outbox outboxes[OPTIONS_WORKERS_MAX];
};

size_t bus_size(void);

/* Before the first fork. */
struct bus *bus_create(struct memory *memory);

/*
 * A worker: puts a line for the room of that NAME; false when its outbox is full. The bus process
 * is to be woken.
 */
bool bus_put(struct bus *bus, uint32_t worker, const char *name,
	     const struct room_message *message);

/* Whether the outbox is full and there is nobody to take anything out of it. */
bool bus_is_stuck(const struct bus *bus, uint32_t worker);

/* Whether the outbox has it that SESSION left the room of that NAME. */
bool bus_tells_gone(const struct bus *bus, uint32_t worker, uint64_t session, const char *name);

/* How many lines of all workers wait for the stream. */
uint64_t bus_waiting(const struct bus *bus);

/* A line in an outbox, between `said` and `put`: as it was put. */
struct room_message bus_line_message(const struct bus_line *line);
const struct bus_line *bus_line(const struct bus *bus, uint32_t worker, uint64_t number);

/* Counts one more; the bus process alone. */
void bus_count(struct bus *bus, enum bus_counter counter);

/*
 * Counts a message that is left out. Whether that is to be told, too, which is kept in TOLD_NS, 0
 * at first: once a second, since whoever may write there could fill the log.
 */
bool bus_leave_out(struct bus *bus, int64_t now_ns, int64_t *told_ns);

#endif
