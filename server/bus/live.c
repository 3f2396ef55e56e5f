#include "server/bus/live.h"

#include <string.h>

#include "server/bus/wire.h"
#include "server/config/bus_option.h"
#include "shared/text/text.h"

static void head_fields(struct live_head *head, struct records *records)
{
	record_text(records, head->node, sizeof(head->node));
	RECORD_NUMBER(records, head->epoch);
	RECORD_NUMBER(records, head->chain);
	RECORD_NUMBER(records, head->number);
	RECORD_NUMBER(records, head->flags);
	RECORD_NUMBER(records, head->age_ns);
	RECORD_NUMBER(records, head->now_ns);
}

static void room_fields(struct live_room *room, struct records *records)
{
	RECORD_NUMBER(records, room->number);
	RECORD_NUMBER(records, room->members);
	room->name = record_span(records, room->name);
}

static void person_fields(struct live_person *person, struct records *records)
{
	RECORD_NUMBER(records, person->seat);
	RECORD_NUMBER(records, person->session);
	person->nick = record_span(records, person->nick);
	RECORD_NUMBER(records, person->room_count);
	for (uint32_t i = 0; i < person->room_count && i < SEAT_ROOMS_MAX; i++) {
		RECORD_NUMBER(records, person->rooms[i]);
	}
}

static void errand_fields(struct errand *errand, struct records *records)
{
	RECORD_NUMBER(records, errand->number);
	RECORD_NUMBER(records, errand->kind);
	record_text(records, errand->nick, sizeof(errand->nick));
	record_text(records, errand->by, NAME_NICK_SIZE);
	RECORD_NUMBER(records, errand->seconds);
	struct span text = record_span(records, (struct span){ errand->text, errand->length });

	if (records->reads && !records->broken && text.length <= sizeof(errand->text)) {
		memcpy(errand->text, text.text, text.length);
	}
	errand->length = (uint16_t)text.length;
	records->broken |= text.length > sizeof(errand->text);
}

static void answer_fields(struct errand *errand, struct records *records)
{
	RECORD_NUMBER(records, errand->number);
	RECORD_NUMBER(records, errand->result);
	record_text(records, errand->nick, sizeof(errand->nick));
	RECORD_NUMBER(records, errand->worker);
	RECORD_NUMBER(records, errand->pid);
}

void live_write_errand(struct records *records, struct errand *errand)
{
	record_begin(records, WIRE_ERRAND);
	errand_fields(errand, records);
	record_end(records);
}

void live_write_answer(struct records *records, struct errand *errand)
{
	record_begin(records, WIRE_ANSWER);
	answer_fields(errand, records);
	record_end(records);
}

static bool is_good_errand(const struct errand *errand)
{
	return errand->kind >= ERRAND_TELL && errand->kind <= ERRAND_MUTE &&
	       name_is_nick(span_of(errand->nick)) && name_is_nick(span_of(errand->by)) &&
	       text_is_clean(errand->text, errand->length);
}

static bool is_good_answer(const struct errand *errand)
{
	return errand->result >= ERRAND_DONE && errand->result <= ERRAND_MANY &&
	       name_is_nick(span_of(errand->nick));
}

enum live_entry live_read_errand(struct records *records, struct errand *errand)
{
	*errand = (struct errand){ .kind = 0 };
	switch (record_next(records)) {
	case WIRE_ERRAND:
		errand_fields(errand, records);
		return !records->broken && is_good_errand(errand) ? LIVE_ERRAND : LIVE_BROKEN;
	case WIRE_ANSWER:
		answer_fields(errand, records);
		return !records->broken && is_good_answer(errand) ? LIVE_ANSWER : LIVE_BROKEN;
	default: return LIVE_BROKEN;
	}
}

void live_write_head(struct records *records, struct live_head *head)
{
	record_begin(records, WIRE_PRESENCE);
	head_fields(head, records);
	record_end(records);
}

void live_write_room(struct records *records, struct live_room *room)
{
	record_begin(records, WIRE_PRESENCE_ROOM);
	room_fields(room, records);
	record_end(records);
}

void live_write_person(struct records *records, struct live_person *person)
{
	record_begin(records, WIRE_PRESENCE_PERSON);
	person_fields(person, records);
	record_end(records);
}

bool live_read_head(struct records *records, struct span bytes, struct live_head *head)
{
	*head = (struct live_head){ .node = "" };
	if (bytes.length > LIVE_MESSAGE_MAX) {
		return false;
	}
	records_read(records, bytes.text, bytes.length);
	if (record_next(records) != WIRE_PRESENCE) {
		return false;
	}
	head_fields(head, records);
	return !records->broken && node_name_is_good(span_of(head->node)) && head->epoch != 0;
}

static bool is_good_person(const struct live_person *person)
{
	bool good = person->room_count <= SEAT_ROOMS_MAX &&
		    (person->nick.length == 0 || name_is_nick(person->nick));

	for (uint32_t i = 0; good && i < person->room_count; i++) {
		good = person->rooms[i] < ROOMS_MAX;
	}
	return good;
}

enum live_entry live_read_entry(struct records *records, struct live_room *room,
				struct live_person *person)
{
	switch (record_next(records)) {
	case 0: return records->broken ? LIVE_BROKEN : LIVE_END;
	case WIRE_PRESENCE_ROOM:
		*room = (struct live_room){ .number = 0 };
		room_fields(room, records);
		return records->broken || room->number >= ROOMS_MAX || !name_is_room(room->name)
			       ? LIVE_BROKEN
			       : LIVE_ROOM;
	case WIRE_PRESENCE_PERSON:
		*person = (struct live_person){ .seat = 0 };
		person_fields(person, records);
		return records->broken || !is_good_person(person) ? LIVE_BROKEN : LIVE_PERSON;
	default: return LIVE_OTHER;
	}
}
