/*
 * Rooms and their logs. A log may be of another size here: its messages are appended anew, and each
 * place in it is told by the first message that stands there or behind it.
 */
#include "server/snapshot/room_logs.h"

#include <string.h>

#define MESSAGE_ROOM_COUNT SEAT_ROOMS_MAX

/* That of the room itself, without its log. */
static void state_fields(struct rooms *rooms, uint16_t place, struct records *records)
{
	struct room *room = &rooms->rooms[place];

	RECORD_NUMBER(records, room->of_event);
	RECORD_NUMBER(records, room->used);
	RECORD_NUMBER(records, room->emptied);
	RECORD_NUMBER(records, room->lines);
	RECORD_NUMBER(records, room->topic_now);
	record_text(records, room->topics[room->topic_now % 2], ROOM_TOPIC_SIZE);
	record_bytes(records, &rooms->openers[place], sizeof(rooms->openers[place]));
	RECORD_NUMBER(records, rooms->kept[place].lines);
	RECORD_NUMBER(records, rooms->kept[place].topic_now);
}

static void write_place(const struct rooms *rooms, uint16_t place, struct records *records)
{
	bool kept = name_hash_equal(rooms->kept[place].hash, rooms->hashes[place]);

	RECORD_NUMBER(records, kept);
	(void)record_number(records, rooms->kept[place].position);
	for (uint32_t worker = 0; worker < rooms->workers; worker++) {
		(void)record_number(records, rooms->places[worker][place].position);
		(void)record_number(records, rooms->places[worker][place].next_number);
	}
}

static void sale_fields(struct message_sale *sale, struct records *records)
{
	RECORD_NUMBER(records, sale->left);
	RECORD_NUMBER(records, sale->total);
	RECORD_NUMBER(records, sale->unlocked);
}

static void write_message(const struct room_record *record, uint64_t position,
			  struct records *records)
{
	struct message message = room_message_of(record, span_of("#"));

	record_begin(records, SNAPSHOT_MESSAGE);
	(void)record_number(records, position);
	(void)record_number(records, record->number);
	(void)record_number(records, record->kind);
	(void)record_number(records, record->sender.worker);
	(void)record_number(records, record->sender.seat);
	(void)record_number(records, record->sender.session);
	(void)record_number(records, (uint64_t)record->wall_ns);
	(void)record_span(records, message.nick);
	if (message.kind == MESSAGE_SALE) {
		sale_fields(&message.sale, records);
	} else {
		(void)record_span(records, message.text);
	}
	(void)record_number(records, record->heard_count);
	(void)record_number(records, record->room_count);
	for (size_t i = 0; i < record->room_count; i++) {
		(void)record_number(records, room_rename_room(record, i));
	}
	(void)record_number(records, record->room_count ? room_rename_number(record) : 0);
	record_end(records);
}

static void write_room(struct rooms *rooms, uint16_t place, struct records *records)
{
	uint64_t position = rooms->rooms[place].oldest;
	const struct room_record *record;

	record_begin(records, SNAPSHOT_ROOM);
	(void)room_field(records, place);
	(void)record_span(records, span_of(rooms->rooms[place].name));
	(void)record_number(records, rooms->renames);
	(void)record_number(records, rooms->last_emptied);
	(void)record_number(records, (uint64_t)rooms->kept_ns);
	state_fields(rooms, place, records);
	write_place(rooms, place, records);
	(void)record_number(records, rooms->rooms[place].sequence);
	record_end(records);
	while ((record = rooms_record(rooms, place, &position))) {
		write_message(record, position, records);
		position += record->size;
	}
}

void rooms_write(struct shared_state *shared, struct records *records)
{
	static const struct name_hash none;

	for (uint16_t place = 0; place < ROOMS_MAX; place++) {
		if (!name_hash_equal(shared->rooms->hashes[place], none)) {
			write_room(shared->rooms, place, records);
		}
	}
}

/* Reading */

static void read_place(struct reading *reading, struct rooms *rooms, uint16_t place,
		       struct records *records)
{
	bool kept = false;

	RECORD_NUMBER(records, kept);
	reading->kept = record_number(records, 0);
	reading->found_kept = false;
	if (kept) {
		rooms->kept[place].hash = rooms->hashes[place];
	}
	for (uint32_t worker = 0; worker < rooms->workers; worker++) {
		reading->found[worker] = false;
		reading->places[worker] = record_number(records, 0);
		rooms->places[worker][place].next_number = record_number(records, 0);
	}
}

void room_restore(struct reading *reading, struct records *records)
{
	struct rooms *rooms = reading->shared->rooms;
	uint16_t place = room_field(records, 0);
	struct span name = record_span(records, (struct span){ 0 });

	if (!name_is_room(name)) {
		records->broken = true;
		return;
	}
	RECORD_NUMBER(records, rooms->renames);
	RECORD_NUMBER(records, rooms->last_emptied);
	RECORD_NUMBER(records, rooms->kept_ns);
	rooms_restore_name(rooms, reading->shared->directory, place, name, false);
	state_fields(rooms, place, records);
	read_place(reading, rooms, place, records);
	RECORD_NUMBER(records, rooms->rooms[place].sequence);
	reading->room = place;
}

/* Whose place is at or before the message that stood at POSITION goes on where the log ends now. */
static void find_places(struct reading *reading, uint64_t position)
{
	struct rooms *rooms = reading->shared->rooms;
	uint16_t room = reading->room;
	uint64_t here = rooms->rooms[room].end;

	for (uint32_t worker = 0; worker < rooms->workers; worker++) {
		if (!reading->found[worker] && reading->places[worker] <= position) {
			reading->found[worker] = true;
			rooms->places[worker][room].position = here;
		}
	}
	if (!reading->found_kept && reading->kept <= position) {
		reading->found_kept = true;
		rooms->kept[room].position = here;
	}
}

void room_log_ends(struct reading *reading)
{
	if (reading->room != ROOM_NONE) {
		find_places(reading, UINT64_MAX);
	}
	reading->room = ROOM_NONE;
}

/* Its ROOMS are where to put them. */
static void rename_fields(struct room_message *message, uint16_t *rooms, struct records *records)
{
	RECORD_NUMBER(records, message->heard_count);
	RECORD_NUMBER(records, message->room_count);
	if (message->room_count > MESSAGE_ROOM_COUNT ||
	    message->heard_count > message->room_count) {
		records->broken = true;
		message->room_count = 0;
	}
	for (size_t i = 0; i < message->room_count; i++) {
		rooms[i] = room_field(records, 0);
	}
	RECORD_NUMBER(records, message->rename);
	message->rooms = rooms;
}

static bool is_good(const struct room_message *message)
{
	return message->kind <= MESSAGE_SALE && message->nick.length <= UINT8_MAX &&
	       message->nick.length + message->text.length <= ROOM_MESSAGE_MAX &&
	       (message->kind != MESSAGE_RENAMED || message->room_count > 0) &&
	       (message->kind == MESSAGE_RENAMED || message->room_count == 0);
}

void room_message_read(struct reading *reading, struct records *records)
{
	struct room_message message = { .kind = MESSAGE_SAID };
	struct message_sale sale = { .left = 0 };
	uint16_t list[MESSAGE_ROOM_COUNT];
	uint64_t position = record_number(records, 0);
	uint64_t number = record_number(records, 0);

	RECORD_NUMBER(records, message.kind);
	RECORD_NUMBER(records, message.sender.worker);
	RECORD_NUMBER(records, message.sender.seat);
	RECORD_NUMBER(records, message.sender.session);
	RECORD_NUMBER(records, message.wall_ns);
	message.nick = record_span(records, (struct span){ 0 });
	if (message.kind == MESSAGE_SALE) {
		sale_fields(&sale, records);
		message.text = (struct span){ (const char *)&sale, sizeof(sale) };
	} else {
		message.text = record_span(records, (struct span){ 0 });
	}
	rename_fields(&message, list, records);
	if (records->broken || reading->room == ROOM_NONE || !is_good(&message)) {
		records->broken = true;
		return;
	}
	struct room *room = &reading->shared->rooms->rooms[reading->room];
	const uint32_t topic_now = room->topic_now;
	char topic[ROOM_TOPIC_SIZE];

	memcpy(topic, room->topics[topic_now % 2], sizeof(topic));
	find_places(reading, position);
	rooms_restore_message(reading->shared->rooms, reading->room, number, &message);
	room->topic_now = topic_now; /* the topic that holds was read before */
	memcpy(room->topics[topic_now % 2], topic, sizeof(topic));
}
