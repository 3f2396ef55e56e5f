#include "db/json/record.h"

#include <inttypes.h>
#include <string.h>

static bool no_memory(char *problem)
{
	return json_problem(problem, "out of memory");
}

void json_record_room(struct json_text *text, const struct store_room *room)
{
	json_text_add(text, "{\"place\": %" PRIu32 ", \"name\": ", room->place);
	json_text_add_string(text, room->name, strlen(room->name));
	json_text_add(text, ", \"topic\": ");
	json_text_add_string(text, room->topic, strlen(room->topic));
	json_text_add(text, "}");
}

void json_record_message(struct json_text *text, const struct store_message *message)
{
	json_text_add(text,
		      "{\"room\": %" PRIu32 ", \"number\": %" PRIu64 ", \"made_ns\": %" PRId64
		      ", \"text\": ",
		      message->room, message->number, message->wall_ns);
	json_text_add_string(text, message->text, message->length);
	json_text_add(text, "}");
}

void json_record_ban(struct json_text *text, const struct store_ban *ban)
{
	json_text_add(text, "{\"address\": ");
	json_text_add_string(text, ban->address, strlen(ban->address));
	json_text_add(text, ", \"until_ns\": %" PRId64 "}", ban->until_ns);
}

void json_record_forget(struct json_text *text, uint32_t room, uint64_t through)
{
	json_text_add(text, "{\"room\": %" PRIu32 ", \"through\": %" PRIu64 "}", room, through);
}

void json_record_address(struct json_text *text, const char *address)
{
	json_text_add(text, "{\"address\": ");
	json_text_add_string(text, address, strlen(address));
	json_text_add(text, "}");
}

static bool read_place(json_t *record, const char *name, uint32_t *place, char *problem)
{
	int64_t value = 0;
	bool good = json_record_integer(record, name, 0, UINT32_MAX, &value, problem);
	*place = (uint32_t)value;
	return good;
}

static bool read_number(json_t *record, const char *name, uint64_t *number, char *problem)
{
	int64_t value = 0;
	bool good = json_record_integer(record, name, 0, INT64_MAX, &value, problem);
	*number = (uint64_t)value;
	return good;
}

static bool take_room(struct json_model *model, json_t *record, char *problem)
{
	static const char *const names[] = { "place", "name", "topic", NULL };
	struct store_room room = { 0 };
	if (!json_record_is_object(record, names, problem) ||
	    !read_place(record, "place", &room.place, problem) ||
	    !json_record_text(record, "name", room.name, sizeof room.name, problem) ||
	    !json_record_text(record, "topic", room.topic, sizeof room.topic, problem)) {
		return false;
	}
	return json_chat_put_room(&model->chat, &room) || no_memory(problem);
}

static bool take_message(struct json_model *model, json_t *record, char *problem)
{
	static const char *const names[] = { "room", "number", "made_ns", "text", NULL };
	struct store_message message = { 0 };
	json_t *text = json_object_get(record, "text");
	if (!json_record_is_object(record, names, problem) ||
	    !read_place(record, "room", &message.room, problem) ||
	    !read_number(record, "number", &message.number, problem) ||
	    !json_record_integer(record, "made_ns", INT64_MIN, INT64_MAX, &message.wall_ns,
				 problem)) {
		return false;
	}
	if (!json_is_string(text)) {
		return json_problem(problem, "\"text\" should be a text");
	}
	message.text = json_string_value(text);
	message.length = json_string_length(text);
	return json_chat_put_message(&model->chat, &message) || no_memory(problem);
}

static bool take_ban(struct json_model *model, json_t *record, char *problem)
{
	static const char *const names[] = { "address", "until_ns", NULL };
	struct store_ban ban = { 0 };
	if (!json_record_is_object(record, names, problem) ||
	    !json_record_text(record, "address", ban.address, sizeof ban.address, problem) ||
	    !json_record_integer(record, "until_ns", INT64_MIN, INT64_MAX, &ban.until_ns,
				 problem)) {
		return false;
	}
	return json_chat_put_ban(&model->chat, &ban) || no_memory(problem);
}

static bool take_forget(struct json_model *model, json_t *record, char *problem)
{
	static const char *const names[] = { "room", "through", NULL };
	uint32_t room;
	uint64_t through;
	if (!json_record_is_object(record, names, problem) ||
	    !read_place(record, "room", &room, problem) ||
	    !read_number(record, "through", &through, problem)) {
		return false;
	}
	json_chat_forget(&model->chat, room, through);
	return true;
}

static bool take_lift(struct json_model *model, json_t *record, char *problem)
{
	static const char *const names[] = { "address", NULL };
	struct store_ban ban;
	if (!json_record_is_object(record, names, problem) ||
	    !json_record_text(record, "address", ban.address, sizeof ban.address, problem)) {
		return false;
	}
	json_chat_lift(&model->chat, ban.address);
	return true;
}

bool json_record_take_rooms(struct json_model *model, json_t *list, char *problem)
{
	return json_record_take_each(model, list, "room", take_room, problem);
}

bool json_record_take_messages(struct json_model *model, json_t *list, char *problem)
{
	return json_record_take_each(model, list, "message", take_message, problem);
}

bool json_record_take_bans(struct json_model *model, json_t *list, char *problem)
{
	return json_record_take_each(model, list, "ban", take_ban, problem);
}

struct change {
	const char *name;
	json_record_taker *take;
};

/* An object with one member, whose name says what is done with its value. */
static bool take_change(struct json_model *model, json_t *record, char *problem)
{
	static const struct change changes[] = { { "room", take_room },
						 { "message", take_message },
						 { "forget", take_forget },
						 { "ban", take_ban },
						 { "lift", take_lift } };
	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
		json_t *value = json_object_get(record, changes[i].name);
		if (value && json_object_size(record) == 1) {
			return changes[i].take(model, value, problem);
		}
	}
	return json_problem(problem, "is no change of chat");
}

bool json_record_take_chat(struct json_model *model, json_t *list, char *problem)
{
	return json_record_take_each(model, list, "chat", take_change, problem);
}
