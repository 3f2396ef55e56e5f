#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "db/json/json_store.h"
#include "db/json/record.h"

#define FORMAT_VERSION 2 /* the first had no chat */
#define TUTORIAL_EVENT "tickets"

static enum store_result fail(struct json_store *store, const char *suffix)
{
	return store_fail(&store->base, "%s%s: %s", store->base.path, suffix, strerror(errno));
}

/* The tutorial's whole database: {"count": N}. */
static bool take_count(struct json_store *store, json_t *root, char *problem)
{
	static const char *const names[] = { "count", NULL };
	struct store_event event = { .number = 1, .name = TUTORIAL_EVENT, .open = true };
	if (!json_record_is_object(root, names, problem) ||
	    !json_record_integer(root, "count", 0, STORE_TOTAL_MAX, &event.total, problem)) {
		return false;
	}
	return json_model_put_event(&store->model, &event) ||
	       json_problem(problem, "out of memory");
}

/* In a whole store nothing replaces anything: as many records as there are numbers. */
static bool take_lists(struct json_model *model, json_t *root, char *problem)
{
	json_t *events = json_object_get(root, "events");
	json_t *tickets = json_object_get(root, "tickets");
	if (!json_record_take_events(model, events, problem) ||
	    !json_record_take_tickets(model, tickets, problem) ||
	    !json_record_take_batches(model, json_object_get(root, "batches"), problem)) {
		return false;
	}
	if (model->event_count == json_array_size(events) &&
	    model->ticket_count == json_array_size(tickets)) {
		return true;
	}
	return json_problem(problem, "a number is there twice");
}

/* They are not there in a file of the first version. */
static bool take_chat(struct json_model *model, json_t *root, char *problem)
{
	const struct json_chat *chat = &model->chat;
	json_t *rooms = json_object_get(root, "rooms");
	json_t *messages = json_object_get(root, "messages");
	json_t *bans = json_object_get(root, "bans");
	if (rooms && !json_record_take_rooms(model, rooms, problem)) {
		return false;
	}
	if (chat->room_count != json_array_size(rooms)) {
		return json_problem(problem, "a room's place is there twice");
	}
	if ((messages && !json_record_take_messages(model, messages, problem)) ||
	    (bans && !json_record_take_bans(model, bans, problem))) {
		return false;
	}
	if (chat->message_count == json_array_size(messages) &&
	    chat->ban_count == json_array_size(bans)) {
		return true;
	}
	return json_problem(problem, "a message or a ban is there twice");
}

static bool take_store(struct json_store *store, json_t *root, char *problem)
{
	static const char *const names[] = { "turnstile", "store",   "code_key", "generation",
					     "events",    "tickets", "batches",  "rooms",
					     "messages",  "bans",    NULL };
	int64_t version;
	if (!json_record_integer(root, "turnstile", 1, INT64_MAX, &version, problem)) {
		return false;
	}
	if (version > FORMAT_VERSION) {
		return json_problem(problem,
				    "was written by a newer version of this program (format "
				    "%" PRId64 ", this one knows up to %d)",
				    version, FORMAT_VERSION);
	}
	return json_record_is_object(root, names, problem) &&
	       json_record_hexadecimal(root, "store", &store->id, problem) &&
	       json_record_hexadecimal(root, "code_key", &store->base.code_key, problem) &&
	       json_record_integer(root, "generation", 1, INT64_MAX - 1, &store->generation,
				   problem) &&
	       take_lists(&store->model, root, problem) && take_chat(&store->model, root, problem);
}

static bool take(struct json_store *store, json_t *root, char *problem)
{
	if (json_object_get(root, "turnstile")) {
		return take_store(store, root, problem);
	}
	if (json_object_get(root, "count")) {
		return take_count(store, root, problem);
	}
	return json_problem(problem, "is JSON, but no store of this program, and not "
				     "{\"count\": N}");
}

static enum store_result parse(struct json_store *store)
{
	char problem[JSON_PROBLEM_SIZE];
	json_error_t error;
	json_t *root =
		json_loadb(store->text.bytes, store->text.length, JSON_REJECT_DUPLICATES, &error);
	if (!root) {
		return store_fail(&store->base, "%s: is not valid JSON: line %d: %s",
				  store->base.path, error.line, error.text);
	}
	bool good = take(store, root, problem);
	json_decref(root);
	return good ? STORE_OK : store_fail(&store->base, "%s: %s", store->base.path, problem);
}

enum store_result json_snapshot_read(struct json_store *store)
{
	if (store->snapshot >= 0) {
		close(store->snapshot);
	}
	store->generation = 0;
	store->snapshot = open(store->base.path, O_RDONLY | O_CLOEXEC);
	if (store->snapshot < 0) {
		return errno == ENOENT ? STORE_NONE : fail(store, "");
	}
	if (fstat(store->snapshot, &store->status) < 0 ||
	    !json_text_read(&store->text, store->snapshot, 0)) {
		return fail(store, "");
	}
	return store->text.length > 0 ? parse(store) : STORE_NONE;
}

enum store_result json_snapshot_look(struct json_store *store, bool *is_other)
{
	const struct stat *known = &store->status;
	struct stat now;
	if (stat(store->base.path, &now) < 0) {
		return fail(store, "");
	}
	*is_other = now.st_ino != known->st_ino || now.st_dev != known->st_dev ||
		    now.st_size != known->st_size || now.st_mtim.tv_sec != known->st_mtim.tv_sec ||
		    now.st_mtim.tv_nsec != known->st_mtim.tv_nsec;
	return STORE_OK;
}

/* Begins a record of a list: each on a line of its own. */
static void separate(struct json_text *text, size_t place)
{
	json_text_add(text, "%s\n    ", place > 0 ? "," : "");
}

static void write_rooms(struct json_text *text, const struct json_chat *chat)
{
	size_t written = 0;
	for (size_t i = 0; i < chat->room_count; i++) {
		if (!chat->rooms[i].is_put) {
			continue;
		}
		separate(text, written++);
		json_record_room(text, &chat->rooms[i].label);
	}
}

static void write_messages(struct json_text *text, const struct json_room *room, size_t written)
{
	for (size_t i = 0; i < room->count; i++) {
		const struct store_message message = json_chat_message(room, i);
		separate(text, written + i);
		json_record_message(text, &message);
	}
}

static void write_chat(struct json_text *text, const struct json_chat *chat)
{
	size_t written = 0;
	json_text_add(text, "  \"rooms\": [");
	write_rooms(text, chat);
	json_text_add(text, "\n  ],\n  \"messages\": [");
	for (size_t i = 0; i < chat->room_count; i++) {
		write_messages(text, &chat->rooms[i], written);
		written += chat->rooms[i].count;
	}
	json_text_add(text, "\n  ],\n  \"bans\": [");
	for (size_t i = 0; i < chat->ban_count; i++) {
		separate(text, i);
		json_record_ban(text, &chat->bans[i]);
	}
	json_text_add(text, "\n  ]\n");
}

static void write_lists(struct json_text *text, const struct json_model *model)
{
	json_text_add(text, "  \"events\": [");
	for (size_t i = 0; i < model->event_count; i++) {
		separate(text, i);
		json_record_event(text, &model->events[i]);
	}
	json_text_add(text, "\n  ],\n  \"tickets\": [");
	for (size_t i = 0; i < model->ticket_count; i++) {
		separate(text, i);
		json_record_ticket(text, &model->tickets[i].ticket);
	}
	json_text_add(text, "\n  ],\n  \"batches\": [");
	for (size_t i = 0; i < model->batches.count; i++) {
		separate(text, i);
		json_record_batch(text, &model->batches.list[i]);
	}
	json_text_add(text, "\n  ],\n");
}

static enum store_result write_text(struct json_store *store, int64_t generation)
{
	struct json_text *text = &store->text;
	json_text_empty(text);
	json_text_add(text, "{\n  \"turnstile\": %d,\n  \"store\": ", FORMAT_VERSION);
	json_record_add_hexadecimal(text, &store->id);
	json_text_add(text, ",\n  \"code_key\": ");
	json_record_add_hexadecimal(text, &store->base.code_key);
	json_text_add(text, ",\n  \"generation\": %" PRId64 ",\n", generation);
	write_lists(text, &store->model);
	write_chat(text, &store->model.chat);
	json_text_add(text, "}\n");
	if (!text->failed) {
		return STORE_OK;
	}
	return store_fail(&store->base, "%s: out of memory", store->base.path);
}

/*
 * Who can read the file can make codes: it becomes its owner's alone when it becomes ours, and
 * later keeps the mode that somebody gave it. The owner stays too, where we may set it.
 */
static bool keep_mode(const struct json_store *store, int file)
{
	struct stat now;
	if (store->snapshot < 0) {
		return true;
	}
	if (fstat(store->snapshot, &now) < 0) {
		return false;
	}
	if (fchown(file, now.st_uid, now.st_gid) < 0 && errno != EPERM) {
		return false;
	}
	return store->generation == 0 || fchmod(file, now.st_mode & 0777) == 0;
}

/* Writes the text to "FILE-new" and puts that in FILE's place, once it is on disk. */
static enum store_result replace(struct json_store *store, const char *beside)
{
	int file = open(beside, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (file < 0) {
		return fail(store, "-new");
	}
	if (!keep_mode(store, file) || !json_text_write(&store->text, file, 0) || fsync(file) < 0 ||
	    rename(beside, store->base.path) < 0 || fstat(file, &store->status) < 0) {
		enum store_result result = fail(store, "-new");
		close(file);
		unlink(beside);
		return result;
	}
	if (store->snapshot >= 0) {
		close(store->snapshot);
	}
	store->snapshot = file;
	return STORE_OK;
}

enum store_result json_snapshot_write(struct json_store *store)
{
	char beside[PATH_MAX];
	if (write_text(store, store->generation + 1) != STORE_OK) {
		return STORE_FAILED;
	}
	snprintf(beside, sizeof beside, "%.*s-new", PATH_MAX - 5, store->base.path);
	if (replace(store, beside) != STORE_OK) {
		return STORE_FAILED;
	}
	store->generation++;
	store->wrote = false;
	return STORE_OK;
}
