/*
 * json_store: the inside of the JSON store, for the files that make it up: store_json.c (opening,
 * transactions), json_snapshot.c and json_journal.c (the two files on disk), json_events.c,
 * json_tickets.c and json_rooms.c.
 *
 * FILE is the snapshot: all that the store holds, for people to read. FILE-journal has a line for
 * each transaction that was committed since, and is synced with each; opening reads both. When the
 * journal has grown as long as the snapshot, and when a handle that wrote is closed, a new snapshot
 * is written beside, synced, renamed over the old one, and the journal starts anew. Both name the
 * store and the snapshot's generation, so that a journal whose lines are in the snapshot already is
 * known, whenever the power went.
 *
 * Every process has all of it in memory, and begins a transaction with a look whether the files
 * are as it left them: it reads the journal from where it stood, or everything when there is a new
 * snapshot. So there are at most JSON_EVENTS_MAX events and JSON_TICKETS_MAX tickets; a ticket
 * takes about 170 bytes of memory, and two kilobytes for a moment while a snapshot is read. Chat is
 * bounded too (JSON_CHAT_BYTES_MAX).
 */
#ifndef DB_JSON_JSON_STORE_H
#define DB_JSON_JSON_STORE_H

#include <sys/stat.h>

#include "db/json/model.h"
#include "db/json/text.h"
#include "db/store/event_cache.h"
#include "db/store/kind.h"

/* What is needed to take a transaction back. */
struct json_undo {
	struct store_ticket *tickets; /* as they were before their first change */
	size_t count;
	size_t room;
	size_t event_count; /* at begin, as in the next two */
	size_t ticket_count;
	struct json_batches batches;
};

struct json_store {
	struct store base; /* first: the kind's functions get a pointer to it */
	struct json_model model;
	struct event_cache events;
	struct json_undo undo;
	struct json_text chat; /* what the transaction changed of it: elements of a list */
	struct json_text text; /* a line or a file that is written or read now */

	struct siphash_key id; /* random: of this store and no other */
	int64_t generation;    /* of the snapshot, from 1 on; 0 when there is none of ours yet */
	int snapshot;          /* descriptor: keeps the inode's number from being used again */
	struct stat status;    /* of the snapshot when it was read or written */

	int journal;          /* descriptor, or -1 */
	size_t journal_end;   /* how far this handle has read or written it */
	size_t journal_lines; /* to there */
	size_t header_end;    /* of its first line */

	bool unsynced; /* a line was read that its writer, now dead, may not have synced */
	bool foreign;  /* other handles' lines were read since changed_elsewhere was asked */
	bool wrote;    /* this handle did, since the last snapshot */
};

struct json_store *json_store_of(struct store *store);

/* Reads both files anew, into an empty model; makes them what they should be. */
enum store_result json_store_load(struct json_store *store);

/* Takes in what other handles wrote. */
enum store_result json_store_follow(struct json_store *store);

/*
 * json_snapshot.c. Reading says STORE_NONE when there is no file, or an empty one; the tutorial's
 * {"count": N} is read as an event and leaves the generation 0. Writing starts the next generation,
 * but not its journal.
 */
enum store_result json_snapshot_read(struct json_store *store);
enum store_result json_snapshot_write(struct json_store *store);

/* Whether FILE is another than when this handle read or wrote it. */
enum store_result json_snapshot_look(struct json_store *store, bool *is_other);

/*
 * json_journal.c. Opening makes the file if need be and reads its first line; one that is of
 * another store, or of a later snapshot, is refused. Following reads lines from where this handle
 * stood, and cuts off a last one that was not written whole.
 */
enum store_result json_journal_open(struct json_store *store);
enum store_result json_journal_follow(struct json_store *store);

/* Makes it empty, for the snapshot's generation. */
enum store_result json_journal_start(struct json_store *store);

/* Adds the line that store->text is, and syncs; what fails leaves nothing of it. */
enum store_result json_journal_append(struct json_store *store);

/* Syncs what somebody else may have left unsynced. */
enum store_result json_journal_sync(struct json_store *store);

/* json_events.c: store.h says what they do. */
enum store_result json_event_find(struct store *store, const char *name,
				  struct store_event **event);
enum store_result json_event_get(struct store *store, int64_t number, struct store_event **event);
void json_event_change(struct store *store, struct store_event *event);
enum store_result json_event_add(struct store *store, struct store_event *event);
enum store_result json_event_each(struct store *store,
				  void (*see)(void *context, const struct store_event *event),
				  void *context);
enum store_result json_event_count(struct store *store, int64_t event, int64_t *sold,
				   int64_t *held);
void json_events_changed(const struct store *store,
			 void (*see)(void *context, const struct store_event *event),
			 void *context);

/* Adds the events that the transaction changed to store->text, if there are any. */
enum store_result json_events_write(struct json_store *store);

/* After the commit: puts them into the model. */
void json_events_keep(struct json_store *store);

/* json_tickets.c: likewise. */
enum store_result json_ticket_add(struct store *store, struct store_ticket *ticket);
enum store_result json_ticket_get(struct store *store, int64_t number, struct store_ticket *ticket);
enum store_result json_ticket_by_key(struct store *store, const char *key,
				     struct store_ticket *ticket);
enum store_result json_ticket_change(struct store *store, const struct store_ticket *ticket);
enum store_result json_ticket_next_expiry(struct store *store, struct store_ticket *ticket);
enum store_result json_ticket_tied(struct store *store, uint64_t least, uint64_t most,
				   struct store_ticket *ticket);
enum store_result json_ticket_each(struct store *store,
				   void (*see)(void *context, const struct store_ticket *ticket),
				   void *context);

void json_tickets_write(struct json_store *store);
void json_tickets_keep(struct json_store *store);

/* Puts the tickets back as they were at begin. */
void json_tickets_undo(struct json_store *store);

/* json_rooms.c: chat, likewise. */
enum store_result json_room_put(struct store *store, const struct store_room *room, bool fresh);
enum store_result json_message_add(struct store *store, const struct store_message *message);
enum store_result json_messages_trim(struct store *store, uint32_t room, unsigned keep);
enum store_result json_ban_put(struct store *store, const struct store_ban *ban, int64_t wall_ns);
enum store_result json_room_each(struct store *store,
				 void (*see)(void *context, const struct store_room *room),
				 void *context);
enum store_result json_message_each(struct store *store,
				    void (*see)(void *context, const struct store_message *message),
				    void *context);
enum store_result json_ban_each(struct store *store,
				void (*see)(void *context, const struct store_ban *ban),
				void *context);

void json_rooms_write(struct json_store *store);

#endif
