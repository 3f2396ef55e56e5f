#include "server/bus/wire.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "server/config/bus_option.h"
#include "server/state/penalty.h"
#include "shared/base/siphash.h"
#include "shared/text/text.h"

#define PLAIN_MOST 64 /* bytes of a room's name that stands in its subject as it is */

static const char *const words[] = { [MESSAGE_SAID] = "say",
				     [MESSAGE_JOINED] = "who",
				     [MESSAGE_PARTED] = "who",
				     [MESSAGE_TOPIC] = "topic",
				     [MESSAGE_RENAMED] = "who" };

static const uint32_t tags[] = { [MESSAGE_SAID] = WIRE_SAID,
				 [MESSAGE_JOINED] = WIRE_JOINED,
				 [MESSAGE_PARTED] = WIRE_PARTED,
				 [MESSAGE_TOPIC] = WIRE_TOPIC,
				 [MESSAGE_RENAMED] = WIRE_RENAMED };

#define KINDS (sizeof(tags) / sizeof(*tags))

static uint32_t tag_of(int kind)
{
	switch (kind) {
	case PENALTY_MUTE: return WIRE_MUTED;
	case PENALTY_BAN: return WIRE_BANNED;
	default: return tags[kind];
	}
}

/* Writing and reading */

static void head_fields(struct wire_head *head, struct records *records)
{
	record_text(records, head->node, sizeof(head->node));
	RECORD_NUMBER(records, head->epoch);
	RECORD_NUMBER(records, head->worker);
	RECORD_NUMBER(records, head->number);
}

static void said_fields(struct wire_message *message, struct records *records)
{
	struct room_message *said = &message->said;

	RECORD_NUMBER(records, said->wall_ns);
	message->room = record_span(records, message->room);
	said->nick = record_span(records, said->nick);
	said->text = record_span(records, said->text);
	RECORD_NUMBER(records, said->sender.worker);
	RECORD_NUMBER(records, said->sender.seat);
	RECORD_NUMBER(records, said->sender.session);
	RECORD_NUMBER(records, said->rename);
	RECORD_NUMBER(records, said->heard_count);
}

void wire_write(struct records *records, struct wire_message *message)
{
	record_begin(records, tag_of((int)message->said.kind));
	head_fields(&message->head, records);
	said_fields(message, records);
	record_end(records);
}

static bool is_head(const struct wire_head *head)
{
	return node_name_is_good(span_of(head->node)) && head->epoch != 0 &&
	       head->worker < OPTIONS_WORKERS_MAX && head->number < INT64_MAX;
}

static bool can_be_said(const struct wire_message *message)
{
	const struct room_message *said = &message->said;
	const size_t most =
		said->kind == MESSAGE_TOPIC ? ROOM_TOPIC_SIZE - 1 : ROOM_MESSAGE_MAX - UINT8_MAX;

	struct penalty penalty;

	if (penalty_is_kind((int)said->kind)) {
		return name_is_nick(said->nick) && said->wall_ns >= 0 &&
		       penalty_read((int)said->kind, message->room, said->text, &penalty);
	}
	return name_is_room(message->room) && name_is_nick(said->nick) &&
	       said->text.length <= most && text_is_clean(said->text.text, said->text.length) &&
	       said->wall_ns >= 0 && said->heard_count <= 1 &&
	       (said->kind != MESSAGE_RENAMED || name_is_nick(said->text));
}

/* KINDS: none that is known here. */
static size_t kind_of(uint32_t tag)
{
	size_t kind = 0;

	if (tag == WIRE_MUTED || tag == WIRE_BANNED) {
		return tag == WIRE_MUTED ? PENALTY_MUTE : PENALTY_BAN;
	}
	while (kind < KINDS && tags[kind] != tag) {
		kind++;
	}
	return kind;
}

enum wire_result wire_read(struct span bytes, struct wire_message *message)
{
	struct records records;

	*message = (struct wire_message){ .head = { .node = "" } };
	records_read(&records, bytes.text, bytes.length);
	uint32_t tag = record_next(&records);

	head_fields(&message->head, &records);
	if (tag == 0 || records.broken || !is_head(&message->head)) {
		return WIRE_STRANGE;
	}
	if (kind_of(tag) == KINDS) {
		return WIRE_UNUSABLE;
	}
	message->said.kind = (enum message_kind)kind_of(tag);
	said_fields(message, &records);
	return records.broken || !can_be_said(message) ? WIRE_UNUSABLE : WIRE_GOOD;
}

/* Subjects */

static bool is_plain(const char *name, size_t length)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";
	size_t i = 0;

	while (i < length && name[i] != '\0' && strchr(letters, name[i])) {
		i++;
	}
	return i == length && length > 0 && length <= PLAIN_MOST;
}

/* No subject has a blank or a dot within a word, and some of them would fold to one. */
void wire_subject(enum message_kind kind, struct span room, char *subject)
{
	static const struct siphash_key one = { { 0, 1 } };
	static const struct siphash_key two = { { 0, 2 } };
	char folded[NAME_FOLDED_SIZE];

	if (penalty_is_kind((int)kind)) {
		(void)snprintf(subject, WIRE_SUBJECT_SIZE, WIRE_STREAM ".%s.=%016" PRIx64,
			       (int)kind == PENALTY_MUTE ? "mute" : "ban",
			       siphash(&one, room.text, room.length));
		return;
	}
	size_t length = name_fold((struct span){ room.text + 1, room.length - 1 }, folded);

	if (is_plain(folded, length)) {
		(void)snprintf(subject, WIRE_SUBJECT_SIZE, WIRE_STREAM ".%s.%.*s", words[kind],
			       (int)length, folded);
	} else {
		(void)snprintf(subject, WIRE_SUBJECT_SIZE,
			       WIRE_STREAM ".%s.=%016" PRIx64 "%016" PRIx64, words[kind],
			       siphash(&one, folded, length), siphash(&two, folded, length));
	}
}

void wire_id(const struct wire_head *head, uint32_t round, char *id)
{
	(void)snprintf(id, WIRE_ID_SIZE, "%s-%016" PRIx64 "-%" PRIu32 "-%" PRIu64 "-%" PRIu32,
		       head->node, head->epoch, head->worker, head->number, round);
}
