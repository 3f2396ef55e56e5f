/*
 * A line is one transaction, and whole when its LF is there and no NUL before it: a file that was
 * growing when the power went may have NULs where nothing was written. Only the last line can be
 * torn, since each is synced before the next is begun.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "db/json/json_store.h"
#include "db/json/record.h"

static enum store_result fail(struct json_store *store)
{
	return store_fail(&store->base, "%s-journal: %s", store->base.path, strerror(errno));
}

static enum store_result fail_line(struct json_store *store, size_t line, const char *problem)
{
	return store_fail(&store->base, "%s-journal, line %zu: %s", store->base.path, line,
			  problem);
}

/* The whole line at the start of what is left; its length is 0 if there is none. */
static struct span whole_line(const char *text, size_t length)
{
	const char *end = length > 0 ? memchr(text, '\n', length) : NULL;
	struct span line = { text, end ? (size_t)(end - text) + 1 : 0 };
	bool is_last = line.length == length;
	if (is_last && length > 0 && memchr(text, '\0', length)) {
		line.length = 0;
	}
	return line;
}

static json_t *parse(struct span line, char *problem)
{
	json_error_t error;
	json_t *root = json_loadb(line.text, line.length, JSON_REJECT_DUPLICATES, &error);
	if (!root) {
		json_problem(problem, "is not valid JSON: %s", error.text);
	}
	return root;
}

static bool take_members(struct json_model *model, json_t *root, char *problem)
{
	static const char *const names[] = { "line", "events", "tickets", "batches", "chat", NULL };
	json_t *events = json_object_get(root, "events");
	json_t *tickets = json_object_get(root, "tickets");
	json_t *batches = json_object_get(root, "batches");
	json_t *chat = json_object_get(root, "chat");
	return json_record_is_object(root, names, problem) &&
	       (!events || json_record_take_events(model, events, problem)) &&
	       (!tickets || json_record_take_tickets(model, tickets, problem)) &&
	       (!batches || json_record_take_batches(model, batches, problem)) &&
	       (!chat || json_record_take_chat(model, chat, problem));
}

static enum store_result take_line(struct json_store *store, struct span line)
{
	char problem[JSON_PROBLEM_SIZE];
	int64_t number = (int64_t)store->journal_lines + 1;
	json_t *root = parse(line, problem);
	bool good = root && json_record_integer(root, "line", number, number, &number, problem) &&
		    take_members(&store->model, root, problem);
	json_decref(root);
	if (!good) {
		return fail_line(store, store->journal_lines + 1, problem);
	}
	store->journal_end += line.length;
	store->journal_lines++;
	return STORE_OK;
}

/* Cuts off what is there behind the last whole line. */
static enum store_result cut(struct json_store *store)
{
	return ftruncate(store->journal, (off_t)store->journal_end) == 0 ? STORE_OK : fail(store);
}

/* Takes all whole lines of the text, which was read from journal_end on. */
static enum store_result take_lines(struct json_store *store)
{
	const char *text = store->text.bytes;
	size_t length = store->text.length;
	struct span line;
	while ((line = whole_line(text, length)).length > 0) {
		if (take_line(store, line) != STORE_OK) {
			return STORE_FAILED;
		}
		text += line.length;
		length -= line.length;
		store->foreign = true;
		store->unsynced = true;
	}
	return length > 0 ? cut(store) : STORE_OK;
}

enum store_result json_journal_follow(struct json_store *store)
{
	struct stat status;
	if (fstat(store->journal, &status) < 0) {
		return fail(store);
	}
	if (status.st_nlink == 0) {
		return store_fail(&store->base, "%s-journal: was deleted while in use",
				  store->base.path);
	}
	if ((size_t)status.st_size == store->journal_end) {
		return STORE_OK;
	}
	if ((size_t)status.st_size < store->journal_end) {
		return store_fail(&store->base, "%s-journal: is shorter than it was",
				  store->base.path);
	}
	if (!json_text_read(&store->text, store->journal, store->journal_end)) {
		return fail(store);
	}
	return take_lines(store);
}

struct header {
	struct siphash_key store;
	int64_t generation;
};

static bool read_header(struct span line, struct header *header, char *problem)
{
	static const char *const names[] = { "journal_of", "generation", NULL };
	json_t *root = parse(line, problem);
	bool good =
		root && json_record_is_object(root, names, problem) &&
		json_record_hexadecimal(root, "journal_of", &header->store, problem) &&
		json_record_integer(root, "generation", 1, INT64_MAX, &header->generation, problem);
	json_decref(root);
	return good;
}

/* A journal that must not be thrown away, and cannot be used. */
static enum store_result refuse(struct json_store *store)
{
	return store_fail(&store->base,
			  "%s-journal: has sales that belong to another file than this %s: put "
			  "that back, or delete the journal",
			  store->base.path, store->base.path);
}

/*
 * The lines after the header can be of this snapshot, or of an earlier one, when the power went
 * before the journal could start anew; or of what stood here before somebody replaced FILE.
 */
static enum store_result judge(struct json_store *store, const struct header *header,
			       struct span line)
{
	bool has_lines =
		whole_line(line.text + line.length, store->text.length - line.length).length > 0;
	bool is_ours =
		store->generation > 0 && memcmp(&header->store, &store->id, sizeof store->id) == 0;
	if (is_ours && header->generation == store->generation) {
		store->journal_end = line.length;
		store->header_end = line.length;
		store->journal_lines = 1;
		return STORE_OK;
	}
	if (has_lines && !(is_ours && header->generation < store->generation)) {
		return refuse(store);
	}
	return STORE_NONE;
}

/* STORE_NONE when there is nothing in it for this snapshot. */
static enum store_result read_start(struct json_store *store)
{
	char problem[JSON_PROBLEM_SIZE];
	struct header header;
	if (!json_text_read(&store->text, store->journal, 0)) {
		return fail(store);
	}
	struct span line = whole_line(store->text.bytes, store->text.length);
	if (line.length == 0) {
		return STORE_NONE;
	}
	if (!read_header(line, &header, problem)) {
		return fail_line(store, 1, problem);
	}
	return judge(store, &header, line);
}

static int open_file(const struct json_store *store)
{
	char path[PATH_MAX];
	snprintf(path, sizeof path, "%.*s-journal", PATH_MAX - 9, store->base.path);
	return open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
}

enum store_result json_journal_open(struct json_store *store)
{
	if (store->journal >= 0) {
		close(store->journal);
	}
	store->journal = open_file(store);
	return store->journal < 0 ? fail(store) : read_start(store);
}

/* What was renamed or made in the store's folder is on disk after this. */
static bool sync_folder(const struct json_store *store)
{
	char folder[PATH_MAX];
	int length = (int)(strrchr(store->base.path, '/') - store->base.path) + 1;
	snprintf(folder, sizeof folder, "%.*s", length, store->base.path);
	int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (descriptor < 0) {
		return false;
	}
	bool synced = fsync(descriptor) == 0;
	close(descriptor);
	return synced;
}

/* The new snapshot must be there for good before the lines that are in it go. */
enum store_result json_journal_start(struct json_store *store)
{
	struct json_text *text = &store->text;
	json_text_empty(text);
	json_text_add(text, "{\"journal_of\": ");
	json_record_add_hexadecimal(text, &store->id);
	json_text_add(text, ", \"generation\": %" PRId64 "}\n", store->generation);
	if (text->failed) {
		return store_fail(&store->base, "%s: out of memory", store->base.path);
	}
	if (!sync_folder(store) || ftruncate(store->journal, 0) < 0 ||
	    !json_text_write(text, store->journal, 0) || fdatasync(store->journal) < 0) {
		return fail(store);
	}
	store->journal_end = text->length;
	store->header_end = text->length;
	store->journal_lines = 1;
	store->unsynced = false;
	return STORE_OK;
}

enum store_result json_journal_append(struct json_store *store)
{
	if (!json_text_write(&store->text, store->journal, store->journal_end) ||
	    fdatasync(store->journal) < 0) {
		enum store_result result = fail(store);
		cut(store);
		return result;
	}
	store->journal_end += store->text.length;
	store->journal_lines++;
	store->unsynced = false;
	store->wrote = true;
	return STORE_OK;
}

enum store_result json_journal_sync(struct json_store *store)
{
	if (store->unsynced && fdatasync(store->journal) < 0) {
		return fail(store);
	}
	store->unsynced = false;
	return STORE_OK;
}
