/*
 * store: the stock and the tickets, on disk, behind one interface for each kind of store.
 *
 * A store has events (a name, a total, what is sold and held) and tickets (one a booking or hold,
 * numbered from 1 on, never deleted). Beside the store's file lies its lock file (lockfile.h):
 * every write, checkpoint and closing of a handle happens under that lock, here and in every other
 * process that opens the store. A handle belongs to one thread of one process and is not carried
 * across a fork. What can fail says so by store_result; after STORE_FAILED the transaction is gone,
 * and the handle is to be closed and opened anew before it is trusted again.
 *
 * The order of calls: store_take, store_begin, any reads and changes, store_commit (or
 * store_rollback), store_tend, store_give. The rules of selling are not here: see booking.h.
 */
#ifndef DB_STORE_STORE_H
#define DB_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "db/store/code.h"
#include "shared/base/siphash.h"
#include "shared/sync/mutex.h"
#include "shared/text/name.h"

#define STORE_TITLE_SIZE 201 /* bytes of an event's title, a NUL counted in */
#define STORE_ERROR_SIZE 512
#define STORE_TOTAL_MAX  INT64_C(1000000000) /* tickets of an event */

struct store;

enum store_result {
	STORE_OK,
	STORE_NONE,  /* nothing there by that name, number or key */
	STORE_FAILED /* the disk, the file or the lock: store_error says what */
};

struct store_event {
	int64_t number;
	char name[NAME_EVENT_SIZE];
	char title[STORE_TITLE_SIZE];
	int64_t total;
	int64_t sold; /* booked or admitted, in tickets */
	int64_t held;
	bool open;
};

enum ticket_state {
	TICKET_BOOKED = 1, /* the numbers stand in stores: they never change */
	TICKET_HELD = 2,
	TICKET_CANCELLED = 3,
	TICKET_EXPIRED = 4,
	TICKET_ADMITTED = 5
};

/* What request made the ticket: a repeat by key must be the same one. */
enum ticket_kind { TICKET_BY_BOOK = 1, TICKET_BY_HOLD = 2, TICKET_BY_OFFER = 3 };

struct store_ticket {
	int64_t number; /* 1 and up; set by store_ticket_add */
	int64_t event;  /* the event's number */
	int64_t quantity;
	enum ticket_state state;
	enum ticket_kind kind;
	int64_t made_ns;         /* wall time */
	int64_t expires_ns;      /* wall time; of a hold, else 0 */
	uint64_t tied;           /* a server's connection that the hold is tied to, or 0 */
	char key[NAME_KEY_SIZE]; /* or "" */
};

/*
 * Opens the store at URL ("sqlite:FILE" or "json:FILE"), makes it if there is none, brings its
 * schema up to date, all under its lock. NULL when it cannot, and ERROR (STORE_ERROR_SIZE bytes)
 * says why in one line that names the file.
 */
struct store *store_open(const char *url, char *error);

/* Closes the handle, under the lock. NULL is fine. */
void store_close(struct store *store);

/* Whether URL is one that store_open could open, by its form; ERROR as above. */
bool store_url_is_good(const char *url, char *error);

/* Whether the file of a good URL is there, and not empty. */
bool store_is_there(const char *url);

/* The lock beside the store: to look who holds it, and how long. Its memory stays mapped. */
struct mutex *store_mutex(struct store *store);

/*
 * Takes the lock, waiting TIMEOUT_NS at most, and what its last holder left undone is put in order;
 * false if it could not be had. store_give gives it back.
 */
bool store_take(struct store *store, int64_t timeout_ns);
void store_give(struct store *store);

/* A transaction, with the lock held. After a failed commit nothing of it is in the store. */
enum store_result store_begin(struct store *store);
enum store_result store_commit(struct store *store);
void store_rollback(struct store *store);

/*
 * With the lock held and no transaction under way: what keeps the store in shape (checkpoints), if
 * it is time for it.
 */
enum store_result store_tend(struct store *store);

/* What went wrong last on this handle, for a log: one line, the store's to keep. */
const char *store_error(const struct store *store);

/*
 * Notes that this process, until it and the children that it forked from then on have ended, serves
 * the store. True if nobody else does: then what the store holds of connections (tied holds) is of
 * servers that are gone. With the lock held; once a process.
 */
bool store_serve(struct store *store);

/* The key from which this store's ticket codes are made; with the first of them it is fixed. */
const struct siphash_key *store_code_key(const struct store *store);

/*
 * Gives a store that has no tickets yet another's key, so that its tickets keep their codes. With
 * the lock held and no transaction under way.
 */
enum store_result store_set_code_key(struct store *store, const struct siphash_key *key);

/*
 * Events. Within a transaction: the event of that name or number, the store's to keep until the
 * transaction ends. What the caller changes in it (after store_event_change) is written at commit,
 * once, however many tickets were sold in between.
 */
enum store_result store_event_find(struct store *store, const char *name,
				   struct store_event **event);
enum store_result store_event_get(struct store *store, int64_t number, struct store_event **event);
void store_event_change(struct store *store, struct store_event *event);

/* Adds an event whose name is new; its number is set. */
enum store_result store_event_add(struct store *store, struct store_event *event);

/* Calls SEE for each event in the order of their numbers; it must not change anything. */
enum store_result store_event_each(struct store *store,
				   void (*see)(void *context, const struct store_event *event),
				   void *context);

/* Calls SEE for each event that the last committed transaction changed or added, as it is now. */
void store_events_changed(const struct store *store,
			  void (*see)(void *context, const struct store_event *event),
			  void *context);

/*
 * Whether another process wrote to the store since this handle last looked (by this call). A cheap
 * question; needs the lock.
 */
bool store_changed_elsewhere(struct store *store);

/* Tickets, within a transaction. store_ticket_change writes state and expires_ns. */
enum store_result store_ticket_add(struct store *store, struct store_ticket *ticket);
enum store_result store_ticket_get(struct store *store, int64_t number,
				   struct store_ticket *ticket);
enum store_result store_ticket_by_key(struct store *store, const char *key,
				      struct store_ticket *ticket);
enum store_result store_ticket_change(struct store *store, const struct store_ticket *ticket);

/* The held ticket whose hold ends first; STORE_NONE when nothing is held. */
enum store_result store_ticket_next_expiry(struct store *store, struct store_ticket *ticket);

/* A held ticket that is tied to a connection from LEAST to MOST; STORE_NONE when there is none. */
enum store_result store_ticket_tied(struct store *store, uint64_t least, uint64_t most,
				    struct store_ticket *ticket);

/*
 * Calls SEE for each ticket in the order of their numbers; it must not change anything.
 */
enum store_result store_ticket_each(struct store *store,
				    void (*see)(void *context, const struct store_ticket *ticket),
				    void *context);

/* Adds up EVENT's tickets themselves: how many are sold and held, in tickets. */
enum store_result store_event_count(struct store *store, int64_t event, int64_t *sold,
				    int64_t *held);

/*
 * Chat: what is kept of rooms and bans, written behind. A room has a place (a small number) and a
 * name; putting a FRESH one at a place forgets what was said there. Changes are made within a
 * transaction; texts are UTF-8. A store may forget a room's oldest messages where it would grow
 * too large.
 */
#define STORE_TOPIC_SIZE 513 /* bytes, a NUL counted in */

struct store_room {
	uint32_t place;
	char name[NAME_ROOM_SIZE];
	char topic[STORE_TOPIC_SIZE];
};

struct store_message {
	uint32_t room;   /* its place */
	uint64_t number; /* in the room; adding it again replaces it */
	int64_t wall_ns;
	const char *text; /* LENGTH bytes; good until SEE returns */
	size_t length;
};

struct store_ban {
	char address[64];
	int64_t until_ns; /* wall time */
};

enum store_result store_room_put(struct store *store, const struct store_room *room, bool fresh);
enum store_result store_message_add(struct store *store, const struct store_message *message);

/* Forgets all but the newest KEEP messages of a room. */
enum store_result store_messages_trim(struct store *store, uint32_t room, unsigned keep);

/* Sets until when an address is banned; one whose time is over is forgotten. */
enum store_result store_ban_put(struct store *store, const struct store_ban *ban, int64_t wall_ns);

/*
 * All of them, with the lock held, messages in the order of rooms and numbers. SEE must not change
 * anything.
 */
enum store_result store_room_each(struct store *store,
				  void (*see)(void *context, const struct store_room *room),
				  void *context);
enum store_result store_message_each(struct store *store,
				     void (*see)(void *context,
						 const struct store_message *message),
				     void *context);
enum store_result store_ban_each(struct store *store,
				 void (*see)(void *context, const struct store_ban *ban),
				 void *context);

/*
 * The last batch that SERVER (a random number it chose at its start) committed, 0 if none; and,
 * within a transaction, which one this is. With it a clerk finds out whether its predecessor, who
 * died in the middle, had committed.
 */
enum store_result store_batch_last(struct store *store, int64_t server, int64_t *batch);
enum store_result store_batch_mark(struct store *store, int64_t server, int64_t batch);

#endif
