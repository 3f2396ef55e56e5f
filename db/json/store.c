#include "db/json/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/json/file.h"
#include "db/json/model.h"
#include "db/json/record.h"
#include "shared/base/log.h"

#define FULL                                                                           \
	"%s: has %zu tickets, and a JSON store has no room for more: turnstile store " \
	"convert makes an SQLite store of it"

struct json_store {
	struct store base; /* first: the kind's functions get a pointer to it */
	struct json_model *model;
	struct json_file file;
	bool changed; /* the model is not what FILE says: by this transaction, or one rolled back */
	bool told_full;
	bool foreign; /* FILE was read anew since changed_elsewhere was asked */
};

static struct json_store *of(struct store *store)
{
	return (struct json_store *)store;
}

static struct json_model *model_of(struct store *store)
{
	return of(store)->model;
}

/* Notes a change of the model, which is DONE or had no room. */
static enum store_result changed(struct store *store, bool done)
{
	of(store)->changed = true;
	return done ? STORE_OK
		    : store_fail(store, "%s: there is no room for so many, or no memory",
				 store->path);
}

/* The file: opening, following, writing */

static bool write_out(struct json_store *store, char *error)
{
	const bool keep_mode = store->model->generation > 0;
	store->model->generation++;
	free(store->file.text);
	if (!json_record_write(store->model, &store->file.text, &store->file.length)) {
		return store_refuse(error, "%s: out of memory, or a text that is not UTF-8",
				    store->base.path);
	}
	store->changed = !json_file_write(&store->file, keep_mode, error);
	return !store->changed;
}

static bool load(struct json_store *store, bool make, char *error)
{
	char problem[STORE_ERROR_SIZE];
	json_model_destroy(store->model);
	store->model = json_model_create();
	store->changed = false;
	store->foreign = true;
	if (!store->model) {
		return store_refuse(error, "%s: out of memory", store->base.path);
	}
	switch (json_file_read(&store->file, error)) {
	case STORE_FAILED: return false;
	case STORE_NONE:
		if (!make) {
			return store_refuse(error, "%s: is empty, or gone", store->base.path);
		}
		break;
	case STORE_OK:
		if (!json_record_read(store->model, store->file.text, store->file.length,
				      problem)) {
			return store_refuse(error, "%s: %s", store->base.path, problem);
		}
	}
	if (store->model->dropped > 0) {
		log_warning("%s: has more chat than a JSON store keeps: the %zu oldest messages of "
			    "its rooms are left out",
			    store->base.path, store->model->dropped);
	}
	if (store->model->generation == 0) { /* it was not there, or is the tutorial's */
		siphash_key_make(&store->model->id);
		siphash_key_make(&store->model->code_key);
		store->changed = true;
	}
	store->base.code_key = store->model->code_key;
	return !store->changed || write_out(store, error);
}

/* Takes in what others wrote. Memory that holds half of what FILE says is of no use to anybody. */
static enum store_result follow(struct store *base)
{
	struct json_store *store = of(base);
	bool is_other = false;
	if (base->within) {
		return STORE_OK; /* that was done at its begin */
	}
	if (base->broken) {
		return STORE_FAILED; /* by the file's time it would look as if it were read */
	}
	if (store->model && json_file_is_other(&store->file, &is_other, base->error) &&
	    ((!is_other && !store->changed) || load(store, false, base->error))) {
		return STORE_OK;
	}
	base->broken = true;
	return STORE_FAILED;
}

static void close_store(struct store *base)
{
	struct json_store *store = of(base);
	json_model_destroy(store->model);
	json_file_finish(&store->file);
	free(store);
}

static struct store *open_store(const char *path, bool make, char *error)
{
	struct json_store *store = calloc(1, sizeof(*store));
	if (!store) {
		store_refuse(error, "%s: out of memory", path);
		return NULL;
	}
	snprintf(store->base.path, sizeof(store->base.path), "%s", path);
	json_file_init(&store->file, store->base.path);
	if (json_file_settle_journal(&store->file, error) && load(store, make, error)) {
		store->foreign = false;
		return &store->base;
	}
	close_store(&store->base);
	return NULL;
}

/* What was changed and not committed is in memory alone: the next one reads FILE anew. */
static enum store_result commit(struct store *base)
{
	bool good = !of(base)->changed || write_out(of(base), base->error);
	base->unclear = of(base)->file.unclear;
	return good ? STORE_OK : STORE_FAILED;
}

static bool changed_elsewhere(struct store *base)
{
	struct json_store *store = of(base);
	bool is_other = follow(base) != STORE_OK || store->foreign;
	store->foreign = false;
	return is_other;
}

static enum store_result set_code_key(struct store *base, const struct siphash_key *key)
{
	if (follow(base) != STORE_OK) {
		return STORE_FAILED;
	}
	if (model_of(base)->ticket_count > 0) {
		return store_fail(base, "%s: has tickets already", base->path);
	}
	base->code_key = *key;
	model_of(base)->code_key = *key;
	return write_out(of(base), base->error) ? STORE_OK : STORE_FAILED;
}

/* Shows all of a kind of record, as FILE has them. */
#define DEFINE_EACH(record)                                                                 \
	static enum store_result record##_each(struct store *base, store_see_##record *see, \
					       void *context)                               \
	{                                                                                   \
		enum store_result result = follow(base);                                    \
		const struct json_model *model = model_of(base);                            \
		for (size_t i = 0; result == STORE_OK && i < model->record##_count; i++) {  \
			see(context, &model->record##s[i]);                                 \
		}                                                                           \
		return result;                                                              \
	}
DEFINE_EACH(event)
DEFINE_EACH(ticket)
DEFINE_EACH(room)
DEFINE_EACH(message)
DEFINE_EACH(ban)

/* Events */

/* Hands out a copy of an event or ticket. */
static enum store_result copy(const void *there, void *to, size_t size)
{
	if (!there) {
		return STORE_NONE;
	}
	memcpy(to, there, size);
	return STORE_OK;
}

static enum store_result event_by_name(struct store *base, const char *name,
				       struct store_event *event)
{
	return copy(json_model_event_by_name(model_of(base), name), event, sizeof(*event));
}

static enum store_result event_by_number(struct store *base, int64_t number,
					 struct store_event *event)
{
	return copy(json_model_event(model_of(base), number), event, sizeof(*event));
}

static enum store_result event_add(struct store *base, struct store_event *event)
{
	struct json_model *model = model_of(base);
	if (json_model_event_by_name(model, event->name)) {
		return store_fail(base, "%s: there is an event \"%s\" already", base->path,
				  event->name);
	}
	event->number = (int64_t)model->event_count + 1;
	return changed(base, json_model_put_event(model, event));
}

static enum store_result event_write(struct store *base, const struct store_event *event)
{
	return changed(base, json_model_put_event(model_of(base), event));
}

static enum store_result event_count(struct store *base, struct tally *tally)
{
	const struct json_model *model = model_of(base);
	tally->sold = tally->held = tally->admitted = 0;
	for (size_t i = 0; i < model->ticket_count; i++) {
		if (model->tickets[i].event == tally->event.number) {
			tally_add(tally, &model->tickets[i]);
		}
	}
	return STORE_OK;
}

/* Tickets */

/* Who buys is refused; the log tells whoever runs the server what to do, once a handle. */
static bool has_room(struct store *base)
{
	const bool full = model_of(base)->ticket_count >= JSON_TICKETS_MAX;
	if (full && !of(base)->told_full) {
		log_error(FULL, base->path, model_of(base)->ticket_count);
	}
	of(base)->told_full = full;
	return !full;
}

static enum store_result ticket_add(struct store *base, struct store_ticket *ticket)
{
	struct json_model *model = model_of(base);
	if (model->ticket_count >= JSON_TICKETS_MAX) {
		return store_fail(base, FULL, base->path, model->ticket_count);
	}
	if (!json_model_event(model, ticket->event)) {
		return store_fail(base, "%s: a ticket of an event that is not there", base->path);
	}
	ticket->number = (int64_t)model->ticket_count + 1;
	return changed(base, json_model_add_ticket(model, ticket));
}

static enum store_result ticket_get(struct store *base, int64_t number, struct store_ticket *ticket)
{
	return copy(json_model_ticket(model_of(base), number), ticket, sizeof(*ticket));
}

static enum store_result ticket_by_key(struct store *base, const char *key,
				       struct store_ticket *ticket)
{
	return copy(json_model_ticket_by_key(model_of(base), key), ticket, sizeof(*ticket));
}

static enum store_result ticket_change(struct store *base, const struct store_ticket *ticket)
{
	struct store_ticket *there = json_model_ticket(model_of(base), ticket->number);
	if (!there) {
		return STORE_NONE;
	}
	there->quantity = ticket->quantity;
	there->state = ticket->state;
	there->expires_ns = ticket->expires_ns;
	there->admitted_ns = ticket->admitted_ns;
	return changed(base, true);
}

static enum store_result ticket_next_expiry(struct store *base, struct store_ticket *ticket)
{
	return copy(json_model_first_held(model_of(base), false, 0, INT64_MAX), ticket,
		    sizeof(*ticket));
}

static enum store_result ticket_tied(struct store *base, uint64_t least, uint64_t most,
				     struct store_ticket *ticket)
{
	return copy(json_model_first_held(model_of(base), true, least, most), ticket,
		    sizeof(*ticket));
}

/* Chat: what changes nothing is not written. */

static enum store_result messages_trim(struct store *base, uint32_t room, unsigned keep)
{
	struct json_model *model = model_of(base);
	size_t before = model->message_count;
	json_model_trim(model, room, keep);
	return model->message_count == before ? STORE_OK : changed(base, true);
}

static enum store_result room_put(struct store *base, const struct store_room *room, bool fresh)
{
	const struct store_room *there = json_model_room(model_of(base), room->place);
	if (fresh) {
		messages_trim(base, room->place, 0);
	}
	if (there && strcmp(there->name, room->name) == 0 &&
	    strcmp(there->topic, room->topic) == 0) {
		return STORE_OK;
	}
	return changed(base, json_model_put_room(model_of(base), room));
}

static enum store_result message_add(struct store *base, const struct store_message *message)
{
	if (message->number > INT64_MAX) {
		return store_fail(base, "%s: a message's number is out of range", base->path);
	}
	if (!json_record_can_hold(message->text, message->length)) {
		return store_fail(base, "%s: a text that is not UTF-8", base->path);
	}
	return changed(base, json_model_put_message(model_of(base), message));
}

static enum store_result ban_put(struct store *base, const struct store_ban *ban, int64_t wall_ns)
{
	bool done = json_model_put_ban(model_of(base), ban);
	json_model_lift_over(model_of(base), wall_ns);
	return changed(base, done);
}

/* Counting. FILE is only ever replaced: what was opened under the lock can be read later. */

static bool tally(const struct json_model *model, struct tallies *tallies)
{
	bool good = true;
	for (size_t i = 0; good && i < model->event_count; i++) {
		good = tallies_add_event(tallies, &model->events[i]);
	}
	for (size_t i = 0; good && i < model->ticket_count; i++) {
		good = tallies_add_ticket(tallies, &model->tickets[i]);
	}
	return good;
}

static enum store_result open_locked(struct json_file *file, struct mutex *lock,
				     const struct store_count_leave *leave, char *error)
{
	if (mutex_lock_within(lock, STORE_COUNT_LOCK_NS, NULL) != MUTEX_TAKEN) {
		return STORE_NONE;
	}
	enum store_result result = STORE_NONE;
	if (leave->may_begin(leave->context)) {
		result = json_file_open(file, error) == STORE_OK ? STORE_OK : STORE_FAILED;
	}
	mutex_unlock(lock);
	return result;
}

static bool take_and_tally(struct json_file *file, struct json_model *model,
			   struct tallies *tallies, char *error)
{
	char problem[STORE_ERROR_SIZE];
	if (!model) {
		return store_refuse(error, "%s: out of memory", file->path);
	}
	switch (json_file_take(file, error)) {
	case STORE_FAILED: return false;
	case STORE_NONE: return store_refuse(error, "%s: is empty", file->path);
	case STORE_OK: break;
	}
	if (!json_record_read(model, file->text, file->length, problem)) {
		return store_refuse(error, "%s: %s", file->path, problem);
	}
	return tally(model, tallies) || store_refuse(error, "%s: out of memory", file->path);
}

/* There are too few tickets to ask LEAVE meanwhile. */
static enum store_result count(const char *path, struct mutex *lock,
			       const struct store_count_leave *leave, struct tallies *tallies,
			       char *error)
{
	struct json_model *model = json_model_create();
	struct json_file file;
	store_refuse(error, "%s: is not there", path);
	json_file_init(&file, path);
	enum store_result result = open_locked(&file, lock, leave, error);
	if (result == STORE_OK && !take_and_tally(&file, model, tallies, error)) {
		result = STORE_FAILED;
	}
	json_file_finish(&file);
	json_model_destroy(model);
	return result == STORE_OK && !leave->may_go_on(leave->context) ? STORE_NONE : result;
}

/* Batches */

static enum store_result batch_last(struct store *base, int64_t server, int64_t *batch)
{
	if (follow(base) != STORE_OK) {
		return STORE_FAILED;
	}
	*batch = json_model_batch(model_of(base), server);
	return STORE_OK;
}

static enum store_result batch_mark(struct store *base, int64_t server, int64_t batch)
{
	json_model_mark_batch(model_of(base), &(struct json_batch){ server, batch });
	return changed(base, true);
}

const struct store_kind store_json = {
	.scheme = "json",
	.open = open_store,
	.close = close_store,
	.begin = follow,
	.commit = commit,
	.changed_elsewhere = changed_elsewhere,
	.set_code_key = set_code_key,
	.event_by_name = event_by_name,
	.event_by_number = event_by_number,
	.event_add = event_add,
	.event_write = event_write,
	.event_each = event_each,
	.event_count = event_count,
	.has_room = has_room,
	.ticket_add = ticket_add,
	.ticket_get = ticket_get,
	.ticket_by_key = ticket_by_key,
	.ticket_change = ticket_change,
	.ticket_next_expiry = ticket_next_expiry,
	.ticket_tied = ticket_tied,
	.ticket_each = ticket_each,
	.room_put = room_put,
	.message_add = message_add,
	.messages_trim = messages_trim,
	.ban_put = ban_put,
	.room_each = room_each,
	.message_each = message_each,
	.ban_each = ban_each,
	.count = count,
	.batch_last = batch_last,
	.batch_mark = batch_mark,
};
