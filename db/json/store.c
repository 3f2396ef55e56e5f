#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "db/json/json_store.h"
#include "db/json/record.h"
#include "shared/base/log.h"

/* A shorter journal is not worth a new snapshot. */
#define JOURNAL_LEAST_BYTES (1 << 20)

struct json_store *json_store_of(struct store *store)
{
	return (struct json_store *)store;
}

/* The snapshot first: until its rename the journal of the last one is what counts. */
static enum store_result start_anew(struct json_store *store)
{
	if (json_snapshot_write(store) != STORE_OK) {
		return STORE_FAILED;
	}
	return json_journal_start(store);
}

/* FILE was not there, or is the tutorial's: it becomes one of ours. */
static enum store_result make_ours(struct json_store *store)
{
	siphash_key_make(&store->id);
	siphash_key_make(&store->base.code_key);
	return start_anew(store);
}

static enum store_result load(struct json_store *store)
{
	json_model_finish(&store->model);
	json_model_init(&store->model);
	if (json_snapshot_read(store) == STORE_FAILED) {
		return STORE_FAILED;
	}
	switch (json_journal_open(store)) {
	case STORE_OK: return json_journal_follow(store);
	case STORE_NONE: break;
	case STORE_FAILED: return STORE_FAILED;
	}
	return store->generation == 0 ? make_ours(store) : json_journal_start(store);
}

/* Memory that holds half of what the files say is of no use to anybody. */
enum store_result json_store_load(struct json_store *store)
{
	enum store_result result = load(store);
	store->base.broken |= result != STORE_OK;
	store->foreign = true;
	return result;
}

enum store_result json_store_follow(struct json_store *store)
{
	bool is_other;
	if (json_snapshot_look(store, &is_other) != STORE_OK) {
		return STORE_FAILED;
	}
	if (is_other) {
		return json_store_load(store);
	}
	enum store_result result = json_journal_follow(store);
	store->base.broken |= result != STORE_OK;
	return result;
}

static enum store_result begin(struct store *base)
{
	struct json_store *store = json_store_of(base);
	event_cache_empty(&store->events);
	json_text_empty(&store->chat);
	if (json_store_follow(store) != STORE_OK) {
		return STORE_FAILED;
	}
	store->undo.count = 0;
	store->undo.event_count = store->model.event_count;
	store->undo.ticket_count = store->model.ticket_count;
	store->undo.batches = store->model.batches;
	return STORE_OK;
}

/* What a transaction did to chat is taken back by reading the files anew. */
static bool has_changed_chat(const struct json_store *store)
{
	return store->chat.length > 0 || store->chat.failed;
}

static void rollback(struct store *base)
{
	struct json_store *store = json_store_of(base);
	event_cache_empty(&store->events);
	if (has_changed_chat(store)) {
		(void)json_store_load(store);
		return;
	}
	json_tickets_undo(store);
	store->model.event_count = store->undo.event_count;
	store->model.batches = store->undo.batches;
}

static void write_batches(struct json_store *store)
{
	const struct json_batches *batches = &store->model.batches;
	bool any = false;
	for (size_t i = 0; i < batches->count; i++) {
		if (!batches->list[i].changed) {
			continue;
		}
		json_text_add(&store->text, "%s", any ? ", " : ", \"batches\": [");
		json_record_batch(&store->text, &batches->list[i]);
		any = true;
	}
	if (any) {
		json_text_add(&store->text, "]");
	}
}

/* Puts all that the transaction changed into one line; STORE_NONE if that is nothing. */
static enum store_result write_line(struct json_store *store)
{
	struct json_text *text = &store->text;
	json_text_empty(text);
	json_text_add(text, "{\"line\": %zu", store->journal_lines + 1);
	size_t start = text->length;
	if (json_events_write(store) != STORE_OK) {
		return STORE_FAILED;
	}
	json_tickets_write(store);
	write_batches(store);
	json_rooms_write(store);
	if (text->length == start && !text->failed) {
		return STORE_NONE;
	}
	json_text_add(text, "}\n");
	if (!text->failed) {
		return STORE_OK;
	}
	return store_fail(&store->base, "%s: out of memory, or a text that is not UTF-8",
			  store->base.path);
}

static void keep(struct json_store *store)
{
	struct json_batches *batches = &store->model.batches;
	json_events_keep(store);
	json_tickets_keep(store);
	for (size_t i = 0; i < batches->count; i++) {
		batches->list[i].changed = false;
	}
}

static enum store_result write_out(struct json_store *store)
{
	switch (write_line(store)) {
	case STORE_OK: return json_journal_append(store);
	case STORE_NONE: return json_journal_sync(store);
	case STORE_FAILED: break;
	}
	return STORE_FAILED;
}

static enum store_result commit(struct store *base)
{
	struct json_store *store = json_store_of(base);
	if (write_out(store) != STORE_OK) {
		rollback(base);
		return STORE_FAILED;
	}
	keep(store);
	return STORE_OK;
}

/* A new snapshot costs as much as the store is large: so it is due when as much was sold again. */
static enum store_result tend(struct store *base)
{
	struct json_store *store = json_store_of(base);
	bool due = store->journal_end > JOURNAL_LEAST_BYTES &&
		   store->journal_end > (size_t)store->status.st_size;
	return due ? start_anew(store) : STORE_OK;
}

static bool changed_elsewhere(struct store *base)
{
	struct json_store *store = json_store_of(base);
	if (!base->within && json_store_follow(store) != STORE_OK) {
		return true;
	}
	bool changed = store->foreign;
	store->foreign = false;
	return changed;
}

static enum store_result set_code_key(struct store *base, const struct siphash_key *key)
{
	struct json_store *store = json_store_of(base);
	if (json_store_follow(store) != STORE_OK) {
		return STORE_FAILED;
	}
	if (store->model.ticket_count > 0) {
		return store_fail(base, "%s: has tickets already", base->path);
	}
	base->code_key = *key;
	return start_anew(store);
}

static enum store_result batch_last(struct store *base, int64_t server, int64_t *batch)
{
	struct json_store *store = json_store_of(base);
	const struct json_batches *batches = &store->model.batches;
	*batch = 0;
	if (!base->within && json_store_follow(store) != STORE_OK) {
		return STORE_FAILED;
	}
	for (size_t i = 0; i < batches->count; i++) {
		if (batches->list[i].server == server) {
			*batch = batches->list[i].batch;
		}
	}
	return STORE_OK;
}

static enum store_result batch_mark(struct store *base, int64_t server, int64_t batch)
{
	json_batches_mark(&json_store_of(base)->model.batches, server, batch);
	return STORE_OK;
}

static void free_store(struct json_store *store)
{
	if (store->snapshot >= 0) {
		close(store->snapshot);
	}
	if (store->journal >= 0) {
		close(store->journal);
	}
	json_model_finish(&store->model);
	event_cache_finish(&store->events);
	json_text_finish(&store->chat);
	json_text_finish(&store->text);
	free(store->undo.tickets);
	free(store);
}

/* What was sold is in the journal; that it comes into the file for people now is a courtesy. */
static void close_store(struct store *base)
{
	struct json_store *store = json_store_of(base);
	if (store->wrote && !base->broken && json_store_follow(store) == STORE_OK &&
	    start_anew(store) != STORE_OK) {
		log_warning("%s", base->error);
	}
	free_store(store);
}

static struct store *open_store(const char *path, char *error)
{
	struct json_store *store = calloc(1, sizeof *store);
	if (!store) {
		store_refuse(error, "%s: out of memory", path);
		return NULL;
	}
	snprintf(store->base.path, sizeof store->base.path, "%s", path);
	store->snapshot = -1;
	store->journal = -1;
	if (json_store_load(store) == STORE_OK) {
		store->foreign = false;
		return &store->base;
	}
	store_refuse(error, "%s", store->base.error);
	free_store(store);
	return NULL;
}

const struct store_kind store_json = {
	.scheme = "json",
	.open = open_store,
	.close = close_store,
	.begin = begin,
	.commit = commit,
	.rollback = rollback,
	.tend = tend,
	.changed_elsewhere = changed_elsewhere,
	.set_code_key = set_code_key,
	.event_find = json_event_find,
	.event_get = json_event_get,
	.event_change = json_event_change,
	.event_add = json_event_add,
	.event_each = json_event_each,
	.event_count = json_event_count,
	.events_changed = json_events_changed,
	.ticket_add = json_ticket_add,
	.ticket_get = json_ticket_get,
	.ticket_by_key = json_ticket_by_key,
	.ticket_change = json_ticket_change,
	.ticket_next_expiry = json_ticket_next_expiry,
	.ticket_tied = json_ticket_tied,
	.ticket_each = json_ticket_each,
	.room_put = json_room_put,
	.message_add = json_message_add,
	.messages_trim = json_messages_trim,
	.ban_put = json_ban_put,
	.room_each = json_room_each,
	.message_each = json_message_each,
	.ban_each = json_ban_each,
	.batch_last = batch_last,
	.batch_mark = batch_mark,
};
