/*
 * json_model: all that a JSON store holds, in memory: events and tickets by number, the tickets by
 * key, the last batches of each server, and chat.
 *
 * It knows no file. Its tables have a fixed size, and the kernel gives memory for what is used of
 * them only. Putting replaces what has the same number (place, address), or adds it; the caller has
 * checked what it puts (record.h). What ends or is tied is looked for from end to end: with so few
 * tickets that costs less than writing them.
 */
#ifndef DB_JSON_MODEL_H
#define DB_JSON_MODEL_H

#include "db/store/records.h"
#include "shared/base/siphash.h"

#define JSON_EVENTS_MAX       4096
#define JSON_TICKETS_MAX      10000     /* that a store may have and still sell */
#define JSON_TICKETS_READ_MAX (1 << 17) /* so that a larger one can be converted */
#define JSON_BATCHES_MAX      64
#define JSON_ROOMS_MAX        4096
#define JSON_BANS_MAX         4096
#define JSON_CHAT_BYTES_MAX   ((size_t)1 << 20) /* all messages, as json_chat_bytes counts them */
#define JSON_MESSAGE_BYTES    64                /* what one takes beside its text */

struct json_batch {
	int64_t server;
	int64_t batch;
};

struct json_model {
	struct siphash_key id;       /* random: of this store and no other */
	struct siphash_key code_key; /* random: its codes are made from this */
	int64_t generation;          /* how often it was written; 0: it is none of ours yet */
	size_t event_count;
	size_t ticket_count;
	size_t batch_count;
	size_t room_count;
	size_t message_count;
	size_t ban_count;
	size_t chat_bytes;
	size_t dropped;                             /* messages that there was no room for */
	void *keys;                                 /* a tree (tsearch(3)) of tickets' keys */
	struct store_event events[JSON_EVENTS_MAX]; /* number N is at N - 1 */
	struct store_ticket tickets[JSON_TICKETS_READ_MAX]; /* likewise */
	struct json_batch batches[JSON_BATCHES_MAX];        /* the one marked last is at the end */
	struct store_room rooms[JSON_ROOMS_MAX];            /* in the order of places */
	struct store_message messages[JSON_CHAT_BYTES_MAX / JSON_MESSAGE_BYTES]; /* and numbers */
	struct store_ban bans[JSON_BANS_MAX];
};

/* An empty one, or NULL; NULL is fine to destroy. */
struct json_model *json_model_create(void);
void json_model_destroy(struct json_model *model);

/* NULL when there is none. */
struct store_event *json_model_event(struct json_model *model, int64_t number);
struct store_event *json_model_event_by_name(struct json_model *model, const char *name);
struct store_ticket *json_model_ticket(struct json_model *model, int64_t number);
struct store_ticket *json_model_ticket_by_key(struct json_model *model, const char *key);
struct store_room *json_model_room(struct json_model *model, uint32_t place);

/* The held ticket that ends first, or has the lowest tie; the time or tie is LEAST to MOST. */
struct store_ticket *json_model_first_held(struct json_model *model, bool by_tie, uint64_t least,
					   uint64_t most);

/*
 * False, with nothing changed, when there is no room. An event's number is that of one that is
 * there, or the next; a ticket's is the next.
 */
bool json_model_put_event(struct json_model *model, const struct store_event *event);
bool json_model_add_ticket(struct json_model *model, const struct store_ticket *ticket);
bool json_model_put_room(struct json_model *model, const struct store_room *room);
bool json_model_put_ban(struct json_model *model, const struct store_ban *ban);

/*
 * Where chat has all the room that it may have, a room gives up its oldest messages for the new
 * one, and that is not kept if it has none. False when there is no memory.
 */
bool json_model_put_message(struct json_model *model, const struct store_message *message);
bool json_model_has_message(const struct json_model *model, uint32_t room, uint64_t number);
size_t json_chat_bytes(size_t length);

/* Forgets all but the newest KEEP messages of a room. */
void json_model_trim(struct json_model *model, uint32_t room, size_t keep);

/* Lifts the bans whose time was over at WALL_NS. */
void json_model_lift_over(struct json_model *model, int64_t wall_ns);

/* The last batch of a server, or 0. Of too many servers the one idle for longest is forgotten. */
int64_t json_model_batch(const struct json_model *model, int64_t server);
void json_model_mark_batch(struct json_model *model, const struct json_batch *batch);

#endif
