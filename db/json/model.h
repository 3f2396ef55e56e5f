/*
 * json_model: all that a JSON store holds, in memory: events, tickets by number, the holds in the
 * order in which they end, the tickets by key, the last batches of each server, and chat
 * (json_chat.h).
 *
 * It knows no file. What is put in replaces what has the same number, or is the next one; the
 * caller has checked it (json_record.h). Who changes it within a transaction keeps what was there
 * before, and puts that back to roll it back.
 */
#ifndef DB_JSON_MODEL_H
#define DB_JSON_MODEL_H

#include "db/json/chat.h"
#include "db/store/store.h"
#include "shared/base/siphash.h"

#define JSON_EVENTS_MAX  4096
#define JSON_TICKETS_MAX (1 << 17) /* they are read in less than a second */
#define JSON_BATCHES_MAX 64

struct json_ticket {
	struct store_ticket ticket; /* first */
	uint32_t place;             /* among the holds, 0 when it is none */
	bool changed;               /* by this transaction */
};

struct json_batch {
	int64_t server;
	int64_t batch;
	bool changed; /* by this transaction */
};

/* In the order of their use: the last one marked is at the end. */
struct json_batches {
	struct json_batch list[JSON_BATCHES_MAX];
	size_t count;
};

/* A heap of ticket numbers by the end of their holds; places are counted from 1. */
struct json_holds {
	uint32_t *numbers;
	size_t count;
	size_t room;
};

/*
 * A hash table from keys to ticket numbers: 0 is a free slot. An entry may be false (its ticket was
 * rolled back), so each is checked against the ticket.
 */
struct json_keys {
	struct siphash_key secret; /* clients choose the keys */
	uint32_t *slots;
	size_t size; /* a power of two, or 0 */
	size_t used;
};

struct json_model {
	struct store_event *events; /* number N is at N - 1 */
	size_t event_count;
	size_t event_room;
	struct json_ticket *tickets; /* likewise */
	size_t ticket_count;
	size_t ticket_room;
	struct json_batches batches;
	struct json_holds holds;
	struct json_keys keys;
	struct json_chat chat;
};

void json_model_init(struct json_model *model);
void json_model_finish(struct json_model *model);

/* ENTRIES of SIZE bytes, with room for one more than COUNT; NULL when there is no memory. */
void *json_grown(void *entries, size_t size, size_t count, size_t *room);

/* NULL when there is none. */
struct store_event *json_model_event(const struct json_model *model, int64_t number);
struct store_event *json_model_event_by_name(const struct json_model *model, const char *name);
struct json_ticket *json_model_ticket(const struct json_model *model, int64_t number);
struct json_ticket *json_model_ticket_by_key(const struct json_model *model, const char *key);

/* False when there is no memory. The number is that of one that is there, or the next. */
bool json_model_put_event(struct json_model *model, const struct store_event *event);
bool json_model_put_ticket(struct json_model *model, const struct store_ticket *ticket);

/* Takes out all tickets above NUMBER. */
void json_model_cut_tickets(struct json_model *model, size_t number);

/* Notes the batch; of those not used for longest one is forgotten when there are too many. */
void json_batches_mark(struct json_batches *batches, int64_t server, int64_t batch);

/* The holds, in json_holds.c: the number of the one that ends first, or 0. */
int64_t json_holds_first(const struct json_model *model);

/* Puts the ticket in, takes it out, or finds its place anew, as its state and end now are. */
bool json_holds_update(struct json_model *model, struct json_ticket *entry);
void json_holds_remove(struct json_model *model, struct json_ticket *entry);

/* The keys, in json_keys.c. */
bool json_keys_add(struct json_model *model, const struct store_ticket *ticket);

#endif
