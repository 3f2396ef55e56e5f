/*
 * slot: one of the master's processes: a worker, the joiner, the bus, or tls. Starts it, watches
 * it, hears what it says, and starts another when it ended: one that was of no use after a pause
 * that doubles.
 *
 * The master owns the slots and is told what happens in them (struct slot_owner). A death is
 * learned through the pidfd; what the dead one said before is heard first.
 *
 * A worker may be asked to let go: it ends its turn, has answered what its clerk was asked, says
 * that it has left its connections, untouched and nothing of them half done, and exits. From that
 * word on it counts as ended. With slot_replace its successor
 * starts at once and goes on with them. With slot_yield nobody is started: once each slot's `ended`
 * was called, nobody but the master has the sockets, and all that is known of them lies in shared
 * memory; slot_start starts the next, here, as if nothing had been. In both cases hand it no socket
 * meanwhile (dispatch_pause_worker). One that does not let go in five seconds is killed as one that
 * hangs, and what is true of any death is true of this one: with slot_replace it has a successor,
 * with slot_yield none; `has_let_go` tells them apart.
 */
#ifndef SERVER_PROCESS_SLOT_H
#define SERVER_PROCESS_SLOT_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "server/process/worker.h"
#include "shared/process/channel.h"
#include "shared/process/process.h"

#define SLOT_WHY_SIZE 80 /* bytes of why somebody ended, a NUL counted in */

struct slot;

/* Who is told. `heard` says false of what the process cannot have to say: it is killed then. */
struct slot_owner {
	bool (*heard)(void *context, struct slot *slot, const struct worker_message *message);
	void (*ended)(void *context, struct slot *slot); /* it is gone; `process` is NULL */
	/* The connections that the next one in it goes on with, by seat; NULL: none. */
	const int *(*sockets)(void *context, const struct slot *slot, uint32_t *count);
	void *context;
	struct event_base *base;
};

enum slot_role { SLOT_WORKER, SLOT_JOINER, SLOT_BUS, SLOT_TLS };

/* Who ended, and why; told in one line when it is known who goes on. */
struct slot_death {
	pid_t pid; /* 0: nobody */
	char why[SLOT_WHY_SIZE];
};
/* What becomes of a slot whose process was asked to let go. */
enum slot_parting { SLOT_STAYS, SLOT_REPLACED, SLOT_YIELDED };

struct slot {
	const struct slot_owner *owner;
	enum slot_role role;
	uint32_t number;         /* of the worker, from 0; behind the last, those of the others */
	struct process *process; /* NULL while the slot is empty */
	struct process *leaver;  /* who let go last, and has not ended yet; or NULL */
	struct event *leaver_event;
	int channel;
	bool ready;
	bool stopped;       /* nobody is started in it any more */
	const char *killed; /* by the master, for that: it "hung"; NULL: not by it */
	bool has_left;      /* it said so, and is about to end */
	bool has_let_go;    /* the last one in it ended as it was asked to */
	bool drains;        /* the one that comes next is to end within the drain time */
	bool retires;       /* whoever is started in it ends with its last connection */
	enum slot_parting parting;
	int64_t part_until_ns; /* monotonic: then one that was asked to let go is killed */
	unsigned failures;     /* of those that ended before they were ready, one after the other */
	int64_t started_ns;
	int64_t ended_ns;        /* when the last one in it ended that was ready */
	struct slot_death death; /* that was not told yet: it has no successor */
	int64_t pause_ns;
	int wakers[OPTIONS_WORKERS_MAX + 1]; /* descriptors: those in shared memory can be changed;
						the last is the bus's */
	struct event *end_event;
	struct event *channel_event;
	struct event *start_event;
	size_t listener_count; /* that it accepts from, unless it retires */
	struct worker_start start;
	struct channel_message received;
};

/* Prepares a zeroed slot for a process of ROLE, number NUMBER (from 0) on the scoreboard. */
void slot_init(struct slot *slot, const struct slot_owner *owner, struct shared_state *shared,
	       enum slot_role role, uint32_t number);

/* The pair is another from now on, for those that are started. */
void slot_set_key_pair(struct slot *slot, const struct key_pair *key_pair);

/* It accepts by itself, from LISTENERS, one for each of the options'; KEY_PAIR is tls's. */
void slot_accepts(struct slot *slot, const int *listeners, const struct key_pair *key_pair);

/* Starts a process in it now; if that is not possible, a little later. */
void slot_start(struct slot *slot);

/*
 * Asks it to let go; the header says what follows. Where nobody is just now, slot_replace starts
 * somebody, and slot_yield says false: nobody starts, and `ended` is not called. With slots of
 * workers, of the joiner and of the bus; both do nothing after slot_stop or slot_drain.
 */
void slot_replace(struct slot *slot);
bool slot_yield(struct slot *slot);

/*
 * There are to be fewer workers: whoever is started in it from now on (slot_replace) takes no new
 * connection, and ends with its last; then nobody is started in it any more. And it is to be used
 * again, or for the first time.
 */
void slot_retire(struct slot *slot);
void slot_open(struct slot *slot);

/* After slot_yield: somebody is to be there again, also where that one has not ended yet. */
void slot_serve_on(struct slot *slot);

/* What it says is not heard for now, and waits in its channel; or it is again. */
void slot_hear(struct slot *slot, bool on);

/* From now on whoever ends has no successor. */
void slot_stop(struct slot *slot);

/* The same, and its process is told to end within the drain time: if one lets go, its successor. */
void slot_drain(struct slot *slot);

/* Whether somebody is there, or is about to be. */
bool slot_is_alive(const struct slot *slot);

/*
 * To be called now and then: one that ended while a debugger held it can be buried only when that
 * lets it go, and nothing tells of it.
 */
void slot_look(struct slot *slot);

/* SIGKILL, if there is somebody; WHY is for the log: it "hung". */
void slot_kill(struct slot *slot, const char *why);

/*
 * Makes MESSAGE of what a process in ROLE sent; false if that is none: then its descriptors are
 * closed. With MESSAGE_ACCEPTED comes one, the caller's.
 */
bool slot_read_message(const struct channel_message *received, enum slot_role role,
		       struct worker_message *message);

/* Whom messages are about: "worker 3", "the joiner", "the bus", "tls". */
const char *slot_name(const struct slot *slot);

#endif
