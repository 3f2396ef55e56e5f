#include "server/chat/archive.h"

#include <stdlib.h>
#include <string.h>

#include "db/store/chat.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"
#include "shared/text/text.h"

#define KEEP_NS      NS_PER_SECOND
#define RECORDS_SIZE (64 * 1024) /* bytes read from a log at once */

struct archive {
	struct shared_state *shared;
	struct store *store; /* of the transaction under way */
	/* What that is about to keep of each room: noted in shared memory once it is committed. */
	struct room_kept kept[ROOMS_MAX];
	bool changed[ROOMS_MAX];
	struct ban bans[ADMISSION_BANS_MAX]; /* as they were when it was begun */
	uint32_t ban_count;
	_Alignas(struct room_record) unsigned char records[RECORDS_SIZE];
};

static bool has_news(const struct rooms *rooms, uint16_t index)
{
	const struct room *room = &rooms->rooms[index];
	const struct room_kept *kept = &rooms->kept[index];

	return room->lines != kept->lines || room->topic_now != kept->topic_now ||
	       !name_hash_equal(rooms->hashes[index], kept->hash);
}

/* With a bus the stream keeps what was said, and topics: for all machines, and in its order. */
static bool keeps_chat(const struct shared_state *shared)
{
	return !shared->bus;
}

bool archive_is_due(const struct shared_state *shared)
{
	if (clock_monotonic_ns() - shared->rooms->kept_ns < KEEP_NS) {
		return false;
	}
	for (uint16_t i = 0; keeps_chat(shared) && i < ROOMS_MAX; i++) {
		if (has_news(shared->rooms, i)) {
			return true;
		}
	}
	return shared->directory->admission->bans_unsaved > 0;
}

/* The store has it as "NICK TEXT". */
static bool keep_said(const struct archive *archive, uint16_t index,
		      const struct room_record *record)
{
	const struct message said = room_message_of(record, span_of(""));
	char text[ROOM_MESSAGE_MAX + 1];

	memcpy(text, said.nick.text, said.nick.length);
	text[said.nick.length] = ' ';
	memcpy(text + said.nick.length + 1, said.text.text, said.text.length);
	const struct store_message message = { .room = index,
					       .number = record->number,
					       .wall_ns = record->wall_ns,
					       .text = text,
					       .length = said.nick.length + 1 + said.text.length };
	return store_message_add(archive->store, &message) == STORE_OK;
}

static bool keep_records(const struct archive *archive, uint16_t index,
			 const unsigned char *records, size_t length)
{
	for (size_t at = 0; at < length;) {
		const struct room_record *record =
			(const struct room_record *)(const void *)(records + at);

		if (record->kind == MESSAGE_SAID && !keep_said(archive, index, record)) {
			return false;
		}
		at += record->size;
	}
	return true;
}

/* Adds the lines that are new in the log. */
static bool keep_lines(struct archive *archive, uint16_t index)
{
	const struct rooms *rooms = archive->shared->rooms;
	struct room_kept *kept = &archive->kept[index];
	uint64_t end = rooms->rooms[index].end;
	uint64_t next_number = 0;
	uint64_t missed;
	size_t length;

	kept->lines = rooms->rooms[index].lines;
	while (kept->position < end &&
	       (length = room_read(rooms, index, &kept->position, &next_number, archive->records,
				   sizeof(archive->records), &missed)) > 0) {
		if (!keep_records(archive, index, archive->records, length)) {
			return false;
		}
	}
	return store_messages_trim(archive->store, index, archive->shared->options->history) ==
	       STORE_OK;
}

static bool keep_room(struct archive *archive, uint16_t index)
{
	const struct rooms *rooms = archive->shared->rooms;
	const struct room *room = &rooms->rooms[index];
	struct room_kept *kept = &archive->kept[index];
	struct store_room row = { .place = index };
	bool fresh = !name_hash_equal(rooms->hashes[index], rooms->kept[index].hash);

	*kept = rooms->kept[index];
	kept->hash = rooms->hashes[index];
	kept->topic_now = room->topic_now;
	memcpy(row.name, room->name, sizeof(row.name));
	room_read_topic(rooms, index, row.topic);
	archive->changed[index] = true;
	return store_room_put(archive->store, &row, fresh) == STORE_OK &&
	       keep_lines(archive, index);
}

static bool keep_rooms(struct archive *archive)
{
	for (uint16_t i = 0; i < ROOMS_MAX; i++) {
		archive->changed[i] = false;
		if (keeps_chat(archive->shared) && has_news(archive->shared->rooms, i) &&
		    !keep_room(archive, i)) {
			return false;
		}
	}
	return true;
}

/* The directory's lock is not held while the store writes. */
static bool copy_bans(struct archive *archive)
{
	struct directory *directory = archive->shared->directory;

	archive->ban_count = 0;
	if (directory->admission->bans_unsaved == 0 || !directory_try(directory)) {
		return false; /* next time */
	}
	archive->ban_count = admission_copy_bans(directory->admission, archive->bans);
	directory_unlock(directory);
	return true;
}

/* Bans end by the store's clock, which may go otherwise than this machine's: it is so far ahead. */
static int64_t ahead_ns(const struct store *store)
{
	const int64_t local_ns = clock_deadlines_ns();

	return store_wall_ns(store, local_ns) - local_ns;
}

static bool keep_bans(struct archive *archive)
{
	bool good = true;

	if (!copy_bans(archive)) {
		return true;
	}
	const int64_t shift_ns = ahead_ns(archive->store);

	for (uint32_t i = 0; i < archive->ban_count && good; i++) {
		struct store_ban row = { .until_ns = archive->bans[i].until_ns + shift_ns };

		if (archive->bans[i].unsaved) {
			peer_network_write(archive->bans[i].network, row.address);
			good = store_ban_put(archive->store, &row,
					     clock_deadlines_ns() + shift_ns) == STORE_OK;
		}
	}
	return good;
}

/* Once it is committed: until then, or when the lock is not to be had, it is kept again. */
static void note_kept(struct archive *archive)
{
	struct directory *directory = archive->shared->directory;
	struct rooms *rooms = archive->shared->rooms;

	for (uint16_t i = 0; i < ROOMS_MAX; i++) {
		if (archive->changed[i]) {
			rooms->kept[i] = archive->kept[i];
		}
	}
	if (archive->ban_count > 0 && directory_try(directory)) {
		admission_note_saved(directory->admission, archive->bans, archive->ban_count);
		directory_unlock(directory);
	}
}

bool archive_keep(struct archive *archive, struct store *store)
{
	archive->store = store;
	archive->shared->rooms->kept_ns = clock_monotonic_ns();
	if (store_begin(store) != STORE_OK || !keep_rooms(archive) || !keep_bans(archive) ||
	    store_commit(store) != STORE_OK) {
		store_rollback(store);
		return false;
	}
	note_kept(archive);
	return true;
}

struct archive *archive_create(struct shared_state *shared)
{
	struct archive *archive = calloc(1, sizeof(*archive));

	if (!archive) {
		die("out of memory");
	}
	archive->shared = shared;
	return archive;
}

void archive_destroy(struct archive *archive)
{
	free(archive);
}

/* Bans */

struct learning {
	int64_t shift_ns; /* how far the store's clock is ahead */
	uint32_t count;
	struct ban bans[ADMISSION_BANS_MAX];
};

/* Somebody may have written into the store by hand: what is not clean is left out. */
static void learn_ban(void *context, const struct store_ban *row)
{
	struct learning *learning = context;
	struct ban *ban = &learning->bans[learning->count];

	if (learning->count < ADMISSION_BANS_MAX &&
	    peer_network_read(span_of(row->address), &ban->network)) {
		ban->until_ns = row->until_ns - learning->shift_ns;
		learning->count++;
	}
}

/* Within a transaction, whose clock is the store's. */
static bool learn_bans(struct shared_state *shared, struct store *store)
{
	struct learning learning = { .shift_ns = ahead_ns(store) };

	if (store_ban_each(store, learn_ban, &learning) != STORE_OK) {
		return false;
	}
	directory_lock(shared->directory);
	admission_learn_bans(shared->directory->admission, learning.bans, learning.count,
			     clock_deadlines_ns());
	directory_unlock(shared->directory);
	return true;
}

bool archive_learn_bans(struct shared_state *shared, struct store *store)
{
	bool good = store_begin(store) == STORE_OK && learn_bans(shared, store);

	store_rollback(store);
	return good;
}

/* The start */

struct restoring {
	struct shared_state *shared;
	bool restored[ROOMS_MAX];
};

/* One that people have opened meanwhile, at its place or by its name, is theirs. */
static void restore_room(void *context, const struct store_room *room)
{
	struct restoring *restoring = context;
	const struct shared_state *shared = restoring->shared;
	struct span name = span_of(room->name);

	if (room->place >= ROOMS_MAX || !name_is_room(name)) {
		return;
	}
	const bool clean = text_is_clean(room->topic, strlen(room->topic));
	const uint16_t place = (uint16_t)room->place;

	directory_lock(shared->directory);
	if (rooms_can_restore(shared->rooms, shared->directory, place, name)) {
		rooms_restore(shared->rooms, shared->directory, place, name,
			      clean ? room->topic : "");
		restoring->restored[place] = true;
	}
	directory_unlock(shared->directory);
}

/* Further spaces are the text's own. */
static struct span after_space(struct span text)
{
	size_t space = text.length > 0;

	return (struct span){ text.text + space, text.length - space };
}

static void restore_message(void *context, const struct store_message *message)
{
	const struct restoring *restoring = context;
	struct rooms *rooms = restoring->shared->rooms;

	if (message->room < ROOMS_MAX && restoring->restored[message->room] &&
	    room_members(rooms, (uint16_t)message->room) == 0) {
		struct span text = { message->text, message->length };
		struct span nick = words_next(&text);

		if (name_is_nick(nick) && text_is_clean(text.text, text.length)) {
			rooms_restore_said(rooms, (uint16_t)message->room, message->number,
					   message->wall_ns, nick, after_space(text));
		}
	}
}

bool archive_restore(struct shared_state *shared, struct store *store)
{
	struct restoring restoring = { .shared = shared };
	bool good = store_begin(store) == STORE_OK &&
		    (!keeps_chat(shared) ||
		     (store_room_each(store, restore_room, &restoring) == STORE_OK &&
		      store_message_each(store, restore_message, &restoring) == STORE_OK)) &&
		    learn_bans(shared, store);

	store_rollback(store);
	return good;
}
