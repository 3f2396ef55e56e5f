#include "server/state/rooms.h"

#include <stddef.h>
#include <string.h>

#include "shared/base/log.h"
#include "shared/base/seqlock.h"

#define HISTORY_LINE_BYTES 256 /* a kept line on average: room for that many is kept */
#define LOG_SIZE_MIN       (64 * 1024)
#define LOG_PIECE          (64 * 1024) /* that is given back at once */

static uint32_t log_size_for(unsigned history)
{
	uint32_t size = LOG_SIZE_MIN;

	while (size < (uint64_t)history * HISTORY_LINE_BYTES) {
		size *= 2;
	}
	return size;
}

size_t rooms_size(unsigned history)
{
	return sizeof(struct rooms) + (size_t)ROOMS_MAX * log_size_for(history) + 4096 + CACHE_LINE;
}

struct rooms *rooms_create(struct memory *memory, unsigned workers, unsigned history)
{
	struct rooms *rooms = memory_take(memory, sizeof(*rooms), CACHE_LINE);

	rooms_use(rooms, workers, history);
	rooms->log_size = log_size_for(history);
	rooms->logs = memory_take(memory, (size_t)ROOMS_MAX * rooms->log_size, 4096);
	for (size_t i = 0; i < ROOMS_MAX; i++) {
		mutex_init(&rooms->rooms[i].lock, MUTEX_BRIEF);
	}
	return rooms;
}

void rooms_use(struct rooms *rooms, unsigned workers, unsigned history)
{
	rooms->workers = workers;
	rooms->log_most = log_size_for(history);
}

static unsigned char *log_of(const struct rooms *rooms, uint16_t room)
{
	return rooms->logs + (size_t)room * rooms->log_size;
}

static uint16_t find(const struct rooms *rooms, struct name_hash hash)
{
	for (uint16_t i = 0; i < ROOMS_MAX; i++) {
		if (name_hash_equal(rooms->hashes[i], hash)) {
			return i;
		}
	}
	return ROOM_NONE;
}

static bool exists(const struct rooms *rooms, uint16_t place)
{
	return rooms->rooms[place].of_event || room_members(rooms, place) > 0;
}

/* What was said in it is forgotten, and its place is free. */
static void forget(struct rooms *rooms, uint16_t place)
{
	struct room *room = &rooms->rooms[place];

	rooms->hashes[place] = (struct name_hash){ { 0, 0 } };
	seqlock_write_begin(&room->version);
	room->used = false;
	seqlock_write_end(&room->version);
	atomic_store(&room->oldest, room->end);
	memset(room->topics, 0, sizeof(room->topics));
	memory_discard(log_of(rooms, place), rooms->log_size);
}

static bool is_free(const struct rooms *rooms, uint16_t place)
{
	return name_hash_equal(rooms->hashes[place], (struct name_hash){ { 0, 0 } });
}

/* Where a room may go, as OWNER, one of people's addresses, sees it. */
struct survey {
	uint16_t free;
	uint16_t longest_empty;     /* that everybody left the longest ago */
	uint16_t own_longest_empty; /* of those that OWNER opened */
	uint32_t of_people;         /* how many are not an event's */
	uint32_t own;
};

static void note_longest_empty(const struct rooms *rooms, uint16_t place, uint16_t *longest)
{
	if (*longest == ROOM_NONE || rooms->rooms[place].emptied < rooms->rooms[*longest].emptied) {
		*longest = place;
	}
}

static void look_at(const struct rooms *rooms, uint16_t place, struct peer_address owner,
		    struct survey *survey)
{
	bool own = peer_address_equal(rooms->openers[place], owner);

	survey->of_people++;
	survey->own += own;
	if (!exists(rooms, place)) {
		note_longest_empty(rooms, place, &survey->longest_empty);
		if (own) {
			note_longest_empty(rooms, place, &survey->own_longest_empty);
		}
	}
}

static struct survey look_around(const struct rooms *rooms, struct peer_address owner)
{
	struct survey survey = { ROOM_NONE, ROOM_NONE, ROOM_NONE, 0, 0 };

	for (uint16_t i = 0; i < ROOMS_MAX; i++) {
		if (is_free(rooms, i)) {
			survey.free = survey.free == ROOM_NONE ? i : survey.free;
		} else if (!rooms->rooms[i].of_event) {
			look_at(rooms, i, owner, &survey);
		}
	}
	return survey;
}

static bool has_opened_enough(const struct survey *survey, struct peer_address owner)
{
	return survey->own >= ROOMS_AN_ADDRESS &&
	       !peer_address_equal(owner, (struct peer_address){ { 0 } });
}

/* A room that is empty is forgotten, and its place returned. */
static uint16_t make_free(struct rooms *rooms, uint16_t place)
{
	if (place < ROOMS_MAX) {
		forget(rooms, place);
	}
	return place;
}

/* A free place for one that OWNER opens; ROOM_REFUSED or ROOM_NONE if there is none for it. */
static uint16_t place_for(struct rooms *rooms, struct peer_address owner)
{
	struct survey survey = look_around(rooms, owner);

	if (has_opened_enough(&survey, owner)) {
		return survey.own_longest_empty == ROOM_NONE
			       ? ROOM_REFUSED
			       : make_free(rooms, survey.own_longest_empty);
	}
	if (survey.of_people >= ROOMS_OF_PEOPLE || survey.free == ROOM_NONE) {
		return make_free(rooms, survey.longest_empty);
	}
	return survey.free;
}

/* An event's: there is always one but where the store remembers too many rooms. */
static uint16_t place_for_event(struct rooms *rooms)
{
	struct survey survey = look_around(rooms, (struct peer_address){ { 0 } });

	return survey.free != ROOM_NONE ? survey.free : make_free(rooms, survey.longest_empty);
}

/* OWNER opens one that is remembered: it counts as its own from now on. */
static bool may_reopen(struct rooms *rooms, uint16_t place, struct peer_address owner)
{
	struct survey survey;

	if (peer_address_equal(rooms->openers[place], owner)) {
		return true;
	}
	survey = look_around(rooms, owner);
	if (has_opened_enough(&survey, owner)) {
		return make_free(rooms, survey.own_longest_empty) != ROOM_NONE;
	}
	return true;
}

static void spell(struct room *room, struct span name, bool of_event)
{
	seqlock_write_begin(&room->version);
	memset(room->name, 0, sizeof(room->name));
	memcpy(room->name, name.text, name.length);
	room->of_event = of_event;
	room->used = true;
	seqlock_write_end(&room->version);
}

uint16_t rooms_find(const struct rooms *rooms, const struct directory *directory, struct span name)
{
	uint16_t place = find(rooms, directory_hash(directory, name));

	return place != ROOM_NONE && exists(rooms, place) ? place : ROOM_NONE;
}

static void put(struct rooms *rooms, uint16_t place, struct name_hash hash, struct span name,
		bool of_event)
{
	spell(&rooms->rooms[place], name, of_event);
	rooms->hashes[place] = hash;
}

uint16_t rooms_open(struct rooms *rooms, const struct directory *directory, struct span name,
		    struct peer_address opener)
{
	struct name_hash hash = directory_hash(directory, name);
	struct peer_address owner = peer_address_owner(opener);
	uint16_t place = find(rooms, hash);

	if (place != ROOM_NONE && exists(rooms, place)) {
		return place;
	}
	if (place == ROOM_NONE) {
		place = place_for(rooms, owner);
	} else if (!may_reopen(rooms, place, owner)) {
		return ROOM_REFUSED;
	}
	if (place < ROOMS_MAX) {
		rooms->openers[place] = owner;
		put(rooms, place, hash, name, false);
	}
	return place;
}

static void note_if_empty(struct rooms *rooms, uint16_t place)
{
	struct room *room = &rooms->rooms[place];

	if (room->used && !exists(rooms, place)) {
		room->emptied = ++rooms->last_emptied;
		seqlock_write_begin(&room->version);
		room->used = false;
		seqlock_write_end(&room->version);
	}
}

void rooms_enter(struct rooms *rooms, uint16_t room, uint32_t worker)
{
	atomic_fetch_add(&rooms->rooms[room].members[worker], 1);
}

void rooms_leave(struct rooms *rooms, uint16_t room, uint32_t worker)
{
	atomic_fetch_sub(&rooms->rooms[room].members[worker], 1);
	note_if_empty(rooms, room);
}

void rooms_recount(struct rooms *rooms, uint32_t worker, const uint32_t *members)
{
	for (uint16_t i = 0; i < ROOMS_MAX; i++) {
		atomic_store(&rooms->rooms[i].members[worker], members[i]);
		note_if_empty(rooms, i);
	}
}

uint16_t rooms_of_event(struct rooms *rooms, const struct directory *directory, const char *event)
{
	char name[NAME_EVENT_SIZE + 1] = "#";
	size_t length = strnlen(event, NAME_EVENT_SIZE - 1);

	memcpy(name + 1, event, length);
	const struct span spelled = { name, length + 1 };
	struct name_hash hash = directory_hash(directory, spelled);
	uint16_t place = find(rooms, hash);

	if (place == ROOM_NONE) {
		place = place_for_event(rooms);
	}
	if (place != ROOM_NONE && !rooms->rooms[place].of_event) {
		put(rooms, place, hash, spelled, true);
	}
	return place;
}

uint16_t rooms_remember(struct rooms *rooms, const struct directory *directory, struct span name)
{
	static const struct peer_address nobody;
	struct name_hash hash = directory_hash(directory, name);
	uint16_t place = find(rooms, hash);

	if (place != ROOM_NONE) {
		return place;
	}
	place = place_for(rooms, nobody);
	if (place < ROOMS_MAX) {
		rooms->openers[place] = nobody;
		put(rooms, place, hash, name, false);
		note_if_empty(rooms, place);
	}
	return place < ROOMS_MAX ? place : ROOM_NONE;
}

void rooms_set_elsewhere(struct rooms *rooms, uint16_t place, uint32_t members)
{
	struct room *room = &rooms->rooms[place];

	atomic_store(&room->elsewhere, members);
	if (members > 0 && !room->used && room->name[0] != '\0') {
		seqlock_write_begin(&room->version);
		room->used = true;
		seqlock_write_end(&room->version);
	}
	note_if_empty(rooms, place);
}

uint32_t room_members_here(const struct rooms *rooms, uint16_t room)
{
	uint32_t members = 0;

	for (unsigned i = 0; i < rooms->workers; i++) {
		members +=
			atomic_load_explicit(&rooms->rooms[room].members[i], memory_order_relaxed);
	}
	return members;
}

uint32_t room_members(const struct rooms *rooms, uint16_t room)
{
	return room_members_here(rooms, room) +
	       atomic_load_explicit(&rooms->rooms[room].elsewhere, memory_order_relaxed);
}

bool room_read_name(const struct rooms *rooms, uint16_t place, char *name)
{
	const struct room *room = &rooms->rooms[place];
	bool used = false, whole = false;

	/* If whoever changed it was killed, it will do as it is: the next one puts it in order. */
	for (int tries = 0; tries < SEQLOCK_TRIES && !whole; tries++) {
		uint32_t before = seqlock_read_begin(&room->version);

		used = room->used;
		memcpy(name, room->name, NAME_ROOM_SIZE);
		whole = seqlock_read_end(&room->version, before);
	}
	name[NAME_ROOM_SIZE - 1] = '\0';
	return used && name[0] != '\0';
}

void room_read_topic(const struct rooms *rooms, uint16_t place, char *topic)
{
	const struct room *room = &rooms->rooms[place];
	uint32_t now;

	do {
		now = atomic_load_explicit(&room->topic_now, memory_order_acquire);
		memcpy(topic, room->topics[now % 2], ROOM_TOPIC_SIZE);
		atomic_thread_fence(memory_order_acquire);
	} while (now != atomic_load_explicit(&room->topic_now, memory_order_relaxed));
	topic[ROOM_TOPIC_SIZE - 1] = '\0';
}

/* The log */

static struct room_record *record_at(const struct rooms *rooms, uint16_t room, uint64_t position)
{
	return (struct room_record *)(log_of(rooms, room) + (position & (rooms->log_size - 1)));
}

static uint32_t record_size(const struct room_message *message)
{
	size_t size = sizeof(struct room_record) + message->nick.length + message->text.length +
		      message->room_count * sizeof(*message->rooms);

	if (message->room_count > 0) {
		size += sizeof(message->rename);
	}
	return (uint32_t)((size + 7) & ~(size_t)7);
}

/*
 * What lies before OLDEST is not kept any more: its pages are given back, some at once, so that a
 * room costs what it keeps. BEFORE was the oldest. Who reads there just now finds zeroes, and then
 * that it was overtaken.
 */
static void give_back(struct rooms *rooms, uint16_t place, uint64_t before, uint64_t oldest)
{
	uint64_t from = before / LOG_PIECE * LOG_PIECE;

	for (; rooms->log_most < rooms->log_size && from + LOG_PIECE <= oldest; from += LOG_PIECE) {
		memory_discard(log_of(rooms, place) + (from & (rooms->log_size - 1)), LOG_PIECE);
	}
}

/* Drops the oldest records until SIZE bytes are free. Readers see it before it is overwritten. */
static void make_space(struct rooms *rooms, uint16_t place, uint32_t size)
{
	struct room *room = &rooms->rooms[place];
	const uint64_t before = room->oldest;
	uint64_t oldest = before;

	while (room->end + size - oldest > rooms->log_most) {
		oldest += record_at(rooms, place, oldest)->size;
	}
	/* Released: a reader that goes on there sees an end that is not before it. */
	atomic_store_explicit(&room->oldest, oldest, memory_order_release);
	atomic_thread_fence(memory_order_release);
	give_back(rooms, place, before, oldest);
}

/* A record does not go round the ring's end: what is left there is filled with padding. */
static void pad(struct rooms *rooms, uint16_t place, uint32_t size)
{
	struct room *room = &rooms->rooms[place];
	uint32_t left = rooms->log_size - (uint32_t)(room->end & (rooms->log_size - 1));

	if (left >= size) {
		return;
	}
	make_space(rooms, place, left);
	struct room_record *padding = record_at(rooms, place, room->end);

	padding->size = (uint16_t)left;
	padding->kind = ROOM_PADDING;
	atomic_store_explicit(&room->end, room->end + left, memory_order_release);
}

/* In this order: who dies in between leaves what repair_sequence can tell. */
static void note_sequence(struct room *room, uint64_t sequence, uint64_t end)
{
	atomic_store(&room->sequence_before, room->sequence);
	atomic_store(&room->sequence_end, end);
	atomic_store(&room->sequence, sequence);
}

/* The record that was to end there was not published: it is not here. */
static void repair_sequence(struct room *room)
{
	if (room->sequence_end > room->end) {
		atomic_store(&room->sequence, room->sequence_before);
		atomic_store(&room->sequence_end, 0);
	}
}

static void write_record(struct rooms *rooms, uint16_t place, const struct room_message *message,
			 uint32_t size)
{
	struct room *room = &rooms->rooms[place];
	struct room_record *record = record_at(rooms, place, room->end);

	*record = (struct room_record){ .size = (uint16_t)size,
					.text_length = (uint16_t)message->text.length,
					.kind = (uint8_t)message->kind,
					.nick_length = (uint8_t)message->nick.length,
					.room_count = (uint8_t)message->room_count,
					.heard_count = (uint8_t)message->heard_count,
					.number = room->lines + 1,
					.sender = message->sender,
					.wall_ns = message->wall_ns };
	char *text = record->bytes + message->nick.length;

	memcpy(record->bytes, message->nick.text, message->nick.length);
	memcpy(text, message->text.text, message->text.length);
	if (message->room_count > 0) {
		size_t list_size = message->room_count * sizeof(*message->rooms);

		memcpy(text + message->text.length, message->rooms, list_size);
		memcpy(text + message->text.length + list_size, &message->rename,
		       sizeof(message->rename));
	}
	if (message->sequence != 0) {
		note_sequence(room, message->sequence, room->end + size);
	}
	atomic_store_explicit(&room->end, room->end + size, memory_order_release);
	atomic_store_explicit(&room->lines, room->lines + 1, memory_order_relaxed);
}

static void write_topic(struct room *room, struct span topic)
{
	char *next = room->topics[(room->topic_now + 1) % 2];

	memset(next, 0, ROOM_TOPIC_SIZE);
	memcpy(next, topic.text,
	       topic.length < ROOM_TOPIC_SIZE ? topic.length : ROOM_TOPIC_SIZE - 1);
	atomic_store_explicit(&room->topic_now, room->topic_now + 1, memory_order_release);
}

struct log_owner {
	struct rooms *rooms;
	uint16_t place;
};

/* Whoever was appending died: what was not published never was, only the count may be behind. */
static void repair_log(void *context, pid_t dead)
{
	const struct log_owner *owner = context;
	struct room *room = &owner->rooms->rooms[owner->place];

	log_warning("room %s: process %d died while it appended a line", room->name, dead);
	repair_sequence(room);
	for (uint64_t at = room->oldest; at < room->end;) {
		const struct room_record *record = record_at(owner->rooms, owner->place, at);

		if (record->kind != ROOM_PADDING) {
			room->lines = record->number;
		}
		at += record->size;
	}
}

bool room_append(struct rooms *rooms, uint16_t place, const struct room_message *message)
{
	struct log_owner owner = { rooms, place };
	const struct mutex_repair repair = { repair_log, &owner };
	struct room *room = &rooms->rooms[place];
	uint32_t size = record_size(message);

	if (message->nick.length + message->text.length > ROOM_MESSAGE_MAX ||
	    message->nick.length > UINT8_MAX || message->room_count > SEAT_ROOMS_MAX) {
		bug("a message of %zu bytes for a room", message->text.length);
	}
	if (mutex_spin(&room->lock, &repair) != MUTEX_TAKEN) {
		return false;
	}
	if (message->sequence != 0 && message->sequence <= room->sequence) {
		mutex_unlock(&room->lock);
		return true;
	}
	/* Before its line: who finds that there need not look for this. */
	if (message->kind == MESSAGE_TOPIC) {
		write_topic(room, message->text);
	}
	pad(rooms, place, size);
	make_space(rooms, place, size);
	write_record(rooms, place, message, size);
	mutex_unlock(&room->lock);
	for (unsigned worker = 0; worker < rooms->workers; worker++) {
		if (atomic_load_explicit(&room->members[worker], memory_order_relaxed) > 0) {
			rooms_note_news(rooms, place, worker);
		}
	}
	return true;
}

bool room_is_pressed(const struct rooms *rooms, uint16_t place)
{
	const struct room *room = &rooms->rooms[place];
	bool pressed = false;

	for (unsigned worker = 0; worker < rooms->workers && !pressed; worker++) {
		pressed = room->members[worker] > 0 &&
			  room->end - rooms->places[worker][place].position > rooms->log_most / 2;
	}
	return pressed;
}

bool rooms_forget_sequences(struct rooms *rooms)
{
	for (uint16_t place = 0; place < ROOMS_MAX; place++) {
		struct log_owner owner = { rooms, place };
		const struct mutex_repair repair = { repair_log, &owner };
		struct room *room = &rooms->rooms[place];

		if (room->sequence == 0) {
			continue;
		}
		if (mutex_spin(&room->lock, &repair) != MUTEX_TAKEN) {
			return false;
		}
		atomic_store(&room->sequence, 0);
		mutex_unlock(&room->lock);
	}
	return true;
}

/*
 * Of LENGTH bytes copied from a log, how many are whole records; and the numbers of the first and
 * the last line among them, 0 if there is none.
 */
static size_t whole_records(const unsigned char *bytes, size_t length, uint64_t *first,
			    uint64_t *last)
{
	size_t at = 0;

	*first = *last = 0;
	while (at + sizeof(uint64_t) <= length) {
		struct room_record head = { .size = 0 };
		size_t known = length - at < sizeof(head) ? length - at : sizeof(head);

		memcpy(&head, bytes + at, known);
		if (at + head.size > length) {
			break;
		}
		if (head.kind != ROOM_PADDING) {
			*first = *first ? *first : head.number;
			*last = head.number;
		}
		at += head.size;
	}
	return at;
}

size_t room_read(const struct rooms *rooms, uint16_t place, uint64_t *position,
		 uint64_t *next_number, unsigned char *buffer, size_t size, uint64_t *missed)
{
	const struct room *room = &rooms->rooms[place];
	bool overtaken = false;
	uint64_t first;
	uint64_t last;

	*missed = 0;
	for (;;) {
		uint64_t end = atomic_load_explicit(&room->end, memory_order_acquire);
		uint64_t offset = *position & (rooms->log_size - 1);
		uint64_t length = end - *position;

		if (length == 0) {
			return 0;
		}
		length = length < size ? length : size;
		length = length < rooms->log_size - offset ? length : rooms->log_size - offset;
		memcpy(buffer, log_of(rooms, place) + offset, length);
		atomic_thread_fence(memory_order_acquire);
		uint64_t oldest = atomic_load_explicit(&room->oldest, memory_order_acquire);

		if (*position < oldest) {
			*position = oldest; /* what was copied is worth nothing */
			overtaken = true;
			continue;
		}
		size_t whole = whole_records(buffer, length, &first, &last);

		*position += whole;
		if (last == 0) {
			continue; /* nothing but padding */
		}
		if (overtaken && *next_number && first > *next_number) {
			*missed = first - *next_number;
		}
		*next_number = last + 1;
		return whole;
	}
}

static void look_for_gone(const unsigned char *records, size_t length, uint64_t session, bool *gone)
{
	const struct room_record *record;

	for (size_t at = 0; at < length; at += record->size) {
		record = (const struct room_record *)(records + at);
		if (record->sender.session == session &&
		    (record->kind == MESSAGE_PARTED || record->kind == MESSAGE_JOINED)) {
			*gone = record->kind == MESSAGE_PARTED;
		}
	}
}

bool room_told_gone(const struct rooms *rooms, uint16_t place, uint64_t session)
{
	_Alignas(struct room_record) unsigned char buffer[2 * ROOM_RECORD_MAX];
	uint64_t position = rooms->rooms[place].oldest;
	uint64_t next_number = 0;
	uint64_t missed;
	bool gone = false;
	size_t length;

	while ((length = room_read(rooms, place, &position, &next_number, buffer, sizeof(buffer),
				   &missed)) > 0) {
		look_for_gone(buffer, length, session, &gone);
	}
	return gone;
}

struct room_place *room_place(struct rooms *rooms, uint32_t worker, uint16_t room)
{
	return &rooms->places[worker][room];
}

struct room_place room_place_read(struct rooms *rooms, uint32_t worker, uint16_t room)
{
	return *room_place(rooms, worker, room);
}

struct message room_message_of(const struct room_record *record, struct span name)
{
	struct message message = { .kind = record->kind,
				   .room = name,
				   .nick = { record->bytes, record->nick_length },
				   .text = { record->bytes + record->nick_length,
					     record->text_length },
				   .wall_ns = record->wall_ns };

	if (message.kind == MESSAGE_SALE) {
		memcpy(&message.sale, message.text.text, sizeof(message.sale));
		message.text = (struct span){ name.text + 1, name.length - 1 };
	}
	return message;
}

static const char *rename_list(const struct room_record *record)
{
	return record->bytes + record->nick_length + record->text_length;
}

uint16_t room_rename_room(const struct room_record *record, size_t index)
{
	uint16_t room;

	memcpy(&room, rename_list(record) + index * sizeof(room), sizeof(room));
	return room;
}

uint64_t room_rename_number(const struct room_record *record)
{
	uint64_t number;

	memcpy(&number, rename_list(record) + record->room_count * sizeof(uint16_t),
	       sizeof(number));
	return number;
}

/* News */

void rooms_note_news(struct rooms *rooms, uint16_t room, uint32_t worker)
{
	atomic_fetch_or(&rooms->news[worker].bits[room / 64], UINT64_C(1) << (room % 64));
	atomic_fetch_or(&rooms->news[worker].any, UINT64_C(1) << (room / 64));
}

bool rooms_have_news(const struct rooms *rooms, uint32_t worker)
{
	return atomic_load(&rooms->news[worker].any) != 0;
}

uint16_t rooms_next_news(struct rooms *rooms, uint32_t worker)
{
	uint64_t any;

	while ((any = atomic_load(&rooms->news[worker].any)) != 0) {
		unsigned word = (unsigned)__builtin_ctzll(any);
		uint64_t bits = atomic_load(&rooms->news[worker].bits[word]);

		if (bits != 0) {
			unsigned bit = (unsigned)__builtin_ctzll(bits);

			atomic_fetch_and(&rooms->news[worker].bits[word], ~(UINT64_C(1) << bit));
			return (uint16_t)(word * 64 + bit);
		}
		/* Cleared first, looked at again after: a bit set in between is not lost. */
		atomic_fetch_and(&rooms->news[worker].any, ~(UINT64_C(1) << word));
		if (atomic_load(&rooms->news[worker].bits[word]) != 0) {
			atomic_fetch_or(&rooms->news[worker].any, UINT64_C(1) << word);
		}
	}
	return ROOM_NONE;
}

/* Restoring */

static void note_kept(struct rooms *rooms, uint16_t place)
{
	const struct room *room = &rooms->rooms[place];

	rooms->kept[place] = (struct room_kept){ .hash = rooms->hashes[place],
						 .position = room->end,
						 .lines = room->lines,
						 .topic_now = room->topic_now };
}

bool rooms_can_restore(const struct rooms *rooms, const struct directory *directory, uint16_t place,
		       struct span name)
{
	return is_free(rooms, place) && find(rooms, directory_hash(directory, name)) == ROOM_NONE;
}

void rooms_restore(struct rooms *rooms, const struct directory *directory, uint16_t place,
		   struct span name, const char *topic)
{
	struct room *room = &rooms->rooms[place];

	rooms->hashes[place] = directory_hash(directory, name);
	spell(room, name, false);
	room->used = false;
	room->emptied = ++rooms->last_emptied;
	write_topic(room, span_of(topic));
	note_kept(rooms, place);
}

void rooms_restore_said(struct rooms *rooms, uint16_t place, uint64_t number, int64_t wall_ns,
			struct span nick, struct span text)
{
	const struct room_message message = {
		.kind = MESSAGE_SAID, .nick = nick, .text = text, .wall_ns = wall_ns
	};

	if (nick.length >= NAME_NICK_SIZE || nick.length + text.length > ROOM_MESSAGE_MAX) {
		return;
	}
	rooms->rooms[place].lines = number - 1;
	(void)room_append(rooms, place, &message);
	note_kept(rooms, place);
}

/* A worker that was taken over may have written anything. */
static bool is_whole(const struct room_record *record, uint64_t left)
{
	const size_t list = record->room_count * sizeof(uint16_t) + sizeof(uint64_t);

	if (record->size < sizeof(uint64_t) || record->size % sizeof(uint64_t) != 0 ||
	    record->size > left) {
		return false;
	}
	return record->kind == ROOM_PADDING ||
	       record->size >= sizeof(*record) + record->nick_length + record->text_length +
				       (record->room_count > 0 ? list : 0);
}

const struct room_record *rooms_record(const struct rooms *rooms, uint16_t place,
				       uint64_t *position)
{
	const struct room *room = &rooms->rooms[place];

	while (*position < room->end) {
		const struct room_record *record = record_at(rooms, place, *position);
		uint64_t straight = rooms->log_size - (*position & (rooms->log_size - 1));
		uint64_t left = room->end - *position;

		if (!is_whole(record, left < straight ? left : straight)) {
			return NULL;
		}
		if (record->kind != ROOM_PADDING) {
			return record;
		}
		*position += record->size;
	}
	return NULL;
}

void rooms_restore_name(struct rooms *rooms, const struct directory *directory, uint16_t place,
			struct span name, bool of_event)
{
	put(rooms, place, directory_hash(directory, name), name, of_event);
}

void rooms_restore_message(struct rooms *rooms, uint16_t place, uint64_t number,
			   const struct room_message *message)
{
	rooms->rooms[place].lines = number - 1;
	(void)room_append(rooms, place, message);
}

void rooms_restore_members(struct rooms *rooms, uint32_t worker, const uint32_t *members)
{
	for (uint16_t i = 0; i < ROOMS_MAX; i++) {
		atomic_store(&rooms->rooms[i].members[worker], members[i]);
		if (members[i] > 0) {
			rooms_note_news(rooms, i, worker);
		}
	}
}
