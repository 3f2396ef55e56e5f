#include "db/json/record.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>

#include "db/store/kind.h"
#include "shared/text/text_file.h"

#define FORMAT_VERSION 2 /* the first had no chat */
#define TUTORIAL_EVENT "tickets"
#define KEY_DIGITS     32
#define WORDS_MAX      6

enum member_kind {
	INTEGER,
	BOOLEAN,
	TEXT,
	WORD,  /* of an enum */
	WORDS, /* a message's text and length */
	END
};

struct member {
	const char *name;
	enum member_kind kind;
	bool optional; /* left out where it is 0 or "" */
	size_t offset; /* in the record */
	size_t size;   /* there */
	int64_t least; /* of an integer */
	int64_t most;  /* likewise */
	const char *words[WORDS_MAX];
};

#define AT(record, member) \
	.offset = offsetof(struct record, member), .size = sizeof(((struct record *)0)->member)

static const struct member event_members[] = {
	{ "number", INTEGER, AT(store_event, number), .least = 1, .most = JSON_EVENTS_MAX },
	{ "name", TEXT, AT(store_event, name) },
	{ "title", TEXT, AT(store_event, title) },
	{ "total", INTEGER, AT(store_event, total), .most = STORE_TOTAL_MAX },
	{ "sold", INTEGER, AT(store_event, sold), .most = STORE_TOTAL_MAX },
	{ "held", INTEGER, AT(store_event, held), .most = STORE_TOTAL_MAX },
	{ "open", BOOLEAN, AT(store_event, open) },
	{ .kind = END }
};

static const struct member ticket_members[] = {
	{ "number", INTEGER, AT(store_ticket, number), .least = 1, .most = JSON_TICKETS_READ_MAX },
	{ "event", INTEGER, AT(store_ticket, event), .least = 1, .most = JSON_EVENTS_MAX },
	{ "quantity", INTEGER, AT(store_ticket, quantity), .least = 1, .most = STORE_TOTAL_MAX },
	{ "state", WORD, AT(store_ticket, state),
	  .words = { [TICKET_BOOKED] = "booked",
		     [TICKET_HELD] = "held",
		     [TICKET_CANCELLED] = "cancelled",
		     [TICKET_EXPIRED] = "expired",
		     [TICKET_ADMITTED] = "admitted" } },
	{ "kind", WORD, AT(store_ticket, kind),
	  .words = { [TICKET_BY_BOOK] = "book",
		     [TICKET_BY_HOLD] = "hold",
		     [TICKET_BY_OFFER] = "offer" } },
	{ "made_ns", INTEGER, AT(store_ticket, made_ns), .most = INT64_MAX },
	{ "expires_ns", INTEGER, true, AT(store_ticket, expires_ns), .most = INT64_MAX },
	{ "admitted_ns", INTEGER, true, AT(store_ticket, admitted_ns), .most = INT64_MAX },
	{ "tied", INTEGER, true, AT(store_ticket, tied), .least = INT64_MIN, .most = INT64_MAX },
	{ "salt", INTEGER, true, AT(store_ticket, salt), .most = CODE_SALT_MAX },
	{ "key", TEXT, true, AT(store_ticket, key) },
	{ .kind = END }
};

static const struct member batch_members[] = {
	{ "server", INTEGER, AT(json_batch, server), .least = INT64_MIN, .most = INT64_MAX },
	{ "batch", INTEGER, AT(json_batch, batch), .least = INT64_MIN, .most = INT64_MAX },
	{ .kind = END }
};

static const struct member room_members[] = { { "place", INTEGER, AT(store_room, place),
						.most = UINT32_MAX },
					      { "name", TEXT, AT(store_room, name) },
					      { "topic", TEXT, AT(store_room, topic) },
					      { .kind = END } };

static const struct member message_members[] = {
	{ "room", INTEGER, AT(store_message, room), .most = UINT32_MAX },
	{ "number", INTEGER, AT(store_message, number), .most = INT64_MAX },
	{ "made_ns", INTEGER, AT(store_message, wall_ns), .least = INT64_MIN, .most = INT64_MAX },
	{ "text", WORDS, AT(store_message, text) },
	{ .kind = END }
};

static const struct member ban_members[] = { { "address", TEXT, AT(store_ban, address) },
					     { "until_ns", INTEGER, AT(store_ban, until_ns),
					       .least = INT64_MIN, .most = INT64_MAX },
					     { .kind = END } };

union record {
	int64_t number; /* of an event or ticket, which begin with it */
	struct store_event event;
	struct store_ticket ticket;
	struct json_batch batch;
	struct store_room room;
	struct store_message message;
	struct store_ban ban;
};

/* Writing */

static int64_t number_of(const struct member *member, const char *field)
{
	int64_t number = 0;
	uint32_t small = 0;
	if (member->size == sizeof(small)) {
		memcpy(&small, field, sizeof(small));
		return small;
	}
	memcpy(&number, field, member->size);
	return number;
}

bool json_record_can_hold(const char *text, size_t length)
{
	json_t *value = json_stringn(text, length);
	json_decref(value);
	return value && !memchr(text, '\0', length);
}

/* Most strings need no escaping, and all are written with each batch. False: it is not UTF-8. */
static bool write_string(FILE *stream, const char *text, size_t length)
{
	size_t i = 0;
	while (i < length && text[i] >= ' ' && text[i] <= '~' && text[i] != '"' &&
	       text[i] != '\\') {
		i++;
	}
	if (i == length) {
		return fprintf(stream, "\"%.*s\"", (int)length, text) > 0;
	}
	json_t *value = json_stringn(text, length);
	bool good = value && json_dumpf(value, stream, JSON_ENCODE_ANY) == 0;
	json_decref(value);
	return good;
}

static bool write_value(FILE *stream, const struct member *member, const char *record)
{
	const struct store_message *message = (const void *)record;
	const char *field = record + member->offset;
	switch (member->kind) {
	case INTEGER: return fprintf(stream, "%" PRId64, number_of(member, field)) > 0;
	case BOOLEAN: return fputs(*(const bool *)field ? "true" : "false", stream) >= 0;
	case TEXT: return write_string(stream, field, strlen(field));
	case WORD: return fprintf(stream, "\"%s\"", member->words[number_of(member, field)]) > 0;
	case WORDS: return write_string(stream, message->text, message->length);
	case END: break;
	}
	return false;
}

static bool is_left_out(const struct member *member, const char *field)
{
	return member->optional &&
	       (member->kind == TEXT ? *field == '\0' : number_of(member, field) == 0);
}

static bool write_record(FILE *stream, const struct member *members, const char *record)
{
	bool good = true;
	const char *before = "{";
	for (const struct member *member = members; member->kind != END; member++) {
		if (!is_left_out(member, record + member->offset)) {
			fprintf(stream, "%s\"%s\": ", before, member->name);
			good &= write_value(stream, member, record);
			before = ", ";
		}
	}
	return fputs("}", stream) >= 0 && good;
}

/* Reading */

static bool is_among(const char *name, const char *const *names)
{
	while (*names && strcmp(name, *names) != 0) {
		names++;
	}
	return *names;
}

static bool is_object(json_t *value, const char *const *names, char *problem)
{
	const char *name;
	json_t *member;
	if (!json_is_object(value)) {
		return store_refuse(problem, "should be an object");
	}
	json_object_foreach(value, name, member)
	{
		if (!is_among(name, names)) {
			return store_refuse(problem, "has an unknown member \"%.40s\"", name);
		}
	}
	return true;
}

static bool is_within(const char *name, int64_t value, int64_t least, int64_t most, char *problem)
{
	return (value >= least && value <= most) ||
	       store_refuse(problem, "\"%s\" is %" PRId64 ", and should be %" PRId64 " to %" PRId64,
			    name, value, least, most);
}

static bool read_number(json_t *object, const char *name, int64_t least, int64_t most,
			int64_t *value, char *problem)
{
	json_t *member = json_object_get(object, name);
	if (!json_is_integer(member)) {
		return store_refuse(problem, "\"%s\" should be a whole number", name);
	}
	*value = json_integer_value(member);
	return is_within(name, *value, least, most, problem);
}

static bool read_key(json_t *object, const char *name, struct siphash_key *value, char *problem)
{
	const char *text = json_string_value(json_object_get(object, name));
	if (!text || strlen(text) != KEY_DIGITS || strspn(text, "0123456789abcdef") != KEY_DIGITS) {
		return store_refuse(problem, "\"%s\" should be %d digits of base 16", name,
				    KEY_DIGITS);
	}
	for (size_t i = 0; i < 2; i++) {
		char half[KEY_DIGITS / 2 + 1] = "";
		memcpy(half, text + i * (KEY_DIGITS / 2), KEY_DIGITS / 2);
		value->words[i] = strtoull(half, NULL, 16);
	}
	return true;
}

static bool read_text(const struct member *member, json_t *value, char *field, char *problem)
{
	size_t length = json_string_length(value);
	if (!json_is_string(value)) {
		return store_refuse(problem, "\"%s\" should be a text", member->name);
	}
	if (length >= member->size) {
		return store_refuse(problem, "\"%s\" is longer than %zu bytes", member->name,
				    member->size - 1);
	}
	memcpy(field, json_string_value(value), length + 1);
	return true;
}

static bool read_integer(const struct member *member, json_t *object, char *field, char *problem)
{
	int64_t number = 0;
	if (!read_number(object, member->name, member->least, member->most, &number, problem)) {
		return false;
	}
	const uint32_t small = (uint32_t)number;
	memcpy(field, member->size == sizeof(small) ? (const void *)&small : &number, member->size);
	return true;
}

static bool read_word(const struct member *member, json_t *value, char *field, char *problem)
{
	const char *word = json_string_value(value);
	for (uint32_t i = 1; word && i < WORDS_MAX && member->words[i]; i++) {
		if (strcmp(word, member->words[i]) == 0) {
			memcpy(field, &i, sizeof(i));
			return true;
		}
	}
	return store_refuse(problem, "\"%s\" should be a word like \"%s\" or \"%s\"", member->name,
			    member->words[1], member->words[2]);
}

static bool read_member(const struct member *member, json_t *object, char *record, char *problem)
{
	json_t *value = json_object_get(object, member->name);
	char *field = record + member->offset;
	struct store_message *message;
	if (member->optional && !value) {
		return true;
	}
	switch (member->kind) {
	case INTEGER: return read_integer(member, object, field, problem);
	case TEXT: return read_text(member, value, field, problem);
	case WORD: return read_word(member, value, field, problem);
	case BOOLEAN:
		*(bool *)field = json_is_true(value);
		return json_is_boolean(value) ||
		       store_refuse(problem, "\"%s\" should be true or false", member->name);
	case WORDS:
		message = (void *)record;
		message->text = json_string_value(value);
		message->length = json_string_length(value);
		return message->text || store_refuse(problem, "\"text\" should be a text");
	case END: break;
	}
	return false;
}

static bool read_record(const struct member *members, json_t *object, union record *record,
			char *problem)
{
	const char *names[16] = { NULL };
	for (size_t i = 0; members[i].kind != END; i++) {
		names[i] = members[i].name;
	}
	if (!is_object(object, names, problem)) {
		return false;
	}
	memset(record, 0, sizeof(*record));
	for (const struct member *member = members; member->kind != END; member++) {
		if (!read_member(member, object, (char *)record, problem)) {
			return false;
		}
	}
	return true;
}

/* Checks beside those of single members, and putting. Nothing may be there twice. */

static bool take_event(struct json_model *model, const union record *record, char *problem)
{
	const struct store_event *event = &record->event;
	if (event->sold + event->held > event->total) {
		return store_refuse(problem, "sold and held are more than the total");
	}
	if (!name_is_event(span_of(event->name))) {
		return store_refuse(problem, "\"%s\" is no name of an event", event->name);
	}
	if (json_model_event_by_name(model, event->name)) {
		return store_refuse(problem, "the name \"%s\" is there twice", event->name);
	}
	return json_model_put_event(model, event);
}

static bool take_ticket(struct json_model *model, const union record *record, char *problem)
{
	const struct store_ticket *ticket = &record->ticket;
	if (ticket->key[0] != '\0' && !name_is_key(span_of(ticket->key))) {
		return store_refuse(problem, "\"key\" is no good key");
	}
	if (ticket->key[0] != '\0' && json_model_ticket_by_key(model, ticket->key)) {
		return store_refuse(problem, "the key \"%s\" is there twice", ticket->key);
	}
	return is_within("event", ticket->event, 1, (int64_t)model->event_count, problem) &&
	       json_model_add_ticket(model, ticket);
}

static bool take_batch(struct json_model *model, const union record *record, char *problem)
{
	(void)problem;
	json_model_mark_batch(model, &record->batch);
	return true;
}

static bool take_room(struct json_model *model, const union record *record, char *problem)
{
	if (json_model_room(model, record->room.place)) {
		return store_refuse(problem, "its place is there twice");
	}
	return json_model_put_room(model, &record->room);
}

static bool take_message(struct json_model *model, const union record *record, char *problem)
{
	const struct store_message *message = &record->message;
	if (json_model_has_message(model, message->room, message->number)) {
		return store_refuse(problem, "its number is there twice");
	}
	return json_model_put_message(model, message);
}

static bool take_ban(struct json_model *model, const union record *record, char *problem)
{
	const size_t before = model->ban_count;
	return json_model_put_ban(model, &record->ban) &&
	       (model->ban_count > before || store_refuse(problem, "its address is there twice"));
}

/* The lists that a file is made of, in its order; a ticket's event must come before it. */
struct list {
	const char *name;
	const char *what; /* the word for one in a message */
	const struct member *members;
	bool (*take)(struct json_model *model, const union record *record, char *problem);
	bool numbered;  /* entry N has the number N + 1 */
	bool optional;  /* not there in a file of the first version */
	size_t count;   /* offset of the count in the model, and */
	size_t entries; /* of the entries */
	size_t size;    /* of an entry */
};

#define OF(table, number)                              \
	.count = offsetof(struct json_model, number),  \
	.entries = offsetof(struct json_model, table), \
	.size = sizeof(((struct json_model *)0)->table[0])

static const struct list lists[] = {
	{ "events", "event", event_members, take_event, .numbered = true, OF(events, event_count) },
	{ "tickets", "ticket", ticket_members, take_ticket, .numbered = true,
	  OF(tickets, ticket_count) },
	{ "batches", "batch", batch_members, take_batch, OF(batches, batch_count) },
	{ "rooms", "room", room_members, take_room, .optional = true, OF(rooms, room_count) },
	{ "messages", "message", message_members, take_message, .optional = true,
	  OF(messages, message_count) },
	{ "bans", "ban", ban_members, take_ban, .optional = true, OF(bans, ban_count) },
};

#define LISTS (sizeof(lists) / sizeof(*lists))

/* Events and tickets are numbered from 1. What fails without a word of its own found no room. */
static bool read_list(struct json_model *model, const struct list *list, json_t *values,
		      char *problem)
{
	union record record;
	char reason[STORE_ERROR_SIZE] = "there is no room for so many, or no memory";
	if (!values && list->optional) {
		return true;
	}
	if (!json_is_array(values)) {
		return store_refuse(problem, "the %s records should be a list", list->what);
	}
	for (size_t i = 0; i < json_array_size(values); i++) {
		const int64_t next = (int64_t)i + 1;
		if (!read_record(list->members, json_array_get(values, i), &record, reason) ||
		    (list->numbered && !is_within("number", record.number, next, next, reason)) ||
		    !list->take(model, &record, reason)) {
			return store_refuse(problem, "%s %zu: %s", list->what, i + 1, reason);
		}
	}
	return true;
}

static bool read_store(struct json_model *model, json_t *root, char *problem)
{
	static const char *const names[] = { "turnstile", "store",   "code_key", "generation",
					     "events",    "tickets", "batches",  "rooms",
					     "messages",  "bans",    NULL };
	int64_t version = 0;
	if (!read_number(root, "turnstile", 1, INT64_MAX, &version, problem)) {
		return false;
	}
	if (version > FORMAT_VERSION) {
		return store_refuse(
			problem,
			"was written by a newer version of this program (format %" PRId64
			", this one knows up to %d)",
			version, FORMAT_VERSION);
	}
	bool good = is_object(root, names, problem) &&
		    read_key(root, "store", &model->id, problem) &&
		    read_key(root, "code_key", &model->code_key, problem) &&
		    read_number(root, "generation", 1, INT64_MAX - 1, &model->generation, problem);
	for (size_t i = 0; good && i < LISTS; i++) {
		good = read_list(model, &lists[i], json_object_get(root, lists[i].name), problem);
	}
	return good;
}

/* The tutorial's whole database: {"count": N}. */
static bool read_count(struct json_model *model, json_t *root, char *problem)
{
	static const char *const names[] = { "count", NULL };
	struct store_event event = { .number = 1, .name = TUTORIAL_EVENT, .open = true };
	return is_object(root, names, problem) &&
	       read_number(root, "count", 0, STORE_TOTAL_MAX, &event.total, problem) &&
	       json_model_put_event(model, &event);
}

bool json_record_read(struct json_model *model, const char *text, size_t length, char *problem)
{
	struct span json = { text, length };
	if (!text_file_begin(&json)) {
		return store_refuse(problem, TEXT_FILE_IS_UTF16);
	}
	json_error_t error;
	json_t *root = json_loadb(json.text, json.length, JSON_REJECT_DUPLICATES, &error);
	bool good = false;
	if (!root) {
		store_refuse(problem, "is not valid JSON: line %d: %s", error.line, error.text);
	} else if (json_object_get(root, "turnstile")) {
		good = read_store(model, root, problem);
	} else if (json_object_get(root, "count")) {
		good = read_count(model, root, problem);
	} else {
		store_refuse(problem, "is JSON, but no store of this program, and not "
				      "{\"count\": N}");
	}
	json_decref(root);
	return good;
}

static void write_key(FILE *stream, const char *name, const struct siphash_key *key)
{
	fprintf(stream, "  \"%s\": \"%016" PRIx64 "%016" PRIx64 "\",\n", name, key->words[0],
		key->words[1]);
}

/* Each record is on a line of its own. */
static bool write_list(FILE *stream, const struct json_model *model, const struct list *list)
{
	const char *entries = (const char *)model + list->entries;
	size_t count = *(const size_t *)(const void *)((const char *)model + list->count);
	bool good = true;
	fprintf(stream, ",\n  \"%s\": [", list->name);
	for (size_t i = 0; i < count; i++) {
		fputs(i > 0 ? ",\n    " : "\n    ", stream);
		good &= write_record(stream, list->members, entries + i * list->size);
	}
	return fputs("\n  ]", stream) >= 0 && good;
}

bool json_record_write(const struct json_model *model, char **text, size_t *length)
{
	FILE *stream = open_memstream(text, length);
	bool good = true;
	if (!stream) {
		return false;
	}
	__fsetlocking(stream, FSETLOCKING_BYCALLER);
	fprintf(stream, "{\n  \"turnstile\": %d,\n", FORMAT_VERSION);
	write_key(stream, "store", &model->id);
	write_key(stream, "code_key", &model->code_key);
	fprintf(stream, "  \"generation\": %" PRId64, model->generation);
	for (size_t i = 0; i < LISTS; i++) {
		good &= write_list(stream, model, &lists[i]);
	}
	fputs("\n}\n", stream);
	good &= !ferror(stream);
	return fclose(stream) == 0 && good;
}
