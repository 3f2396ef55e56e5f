#include "db/json/record.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define HALF_DIGITS 16

static const char digits[] = "0123456789abcdef";

static const char *const states[] = { [TICKET_BOOKED] = "booked",
				      [TICKET_HELD] = "held",
				      [TICKET_CANCELLED] = "cancelled",
				      [TICKET_EXPIRED] = "expired",
				      [TICKET_ADMITTED] = "admitted" };
static const char *const kinds[] = {
	[TICKET_BY_BOOK] = "book", [TICKET_BY_HOLD] = "hold", [TICKET_BY_OFFER] = "offer"
};

bool json_problem(char *problem, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(problem, JSON_PROBLEM_SIZE, format, arguments);
	va_end(arguments);
	return false;
}

void json_record_event(struct json_text *text, const struct store_event *event)
{
	json_text_add(text,
		      "{\"number\": %" PRId64 ", \"name\": \"%s\", \"title\": ", event->number,
		      event->name);
	json_text_add_string(text, event->title, strlen(event->title));
	json_text_add(text,
		      ", \"total\": %" PRId64 ", \"sold\": %" PRId64 ", \"held\": %" PRId64
		      ", \"open\": %s}",
		      event->total, event->sold, event->held, event->open ? "true" : "false");
}

void json_record_ticket(struct json_text *text, const struct store_ticket *ticket)
{
	json_text_add(text,
		      "{\"number\": %" PRId64 ", \"event\": %" PRId64 ", \"quantity\": %" PRId64
		      ", \"state\": \"%s\", \"kind\": \"%s\", \"made_ns\": %" PRId64,
		      ticket->number, ticket->event, ticket->quantity, states[ticket->state],
		      kinds[ticket->kind], ticket->made_ns);
	if (ticket->expires_ns != 0) {
		json_text_add(text, ", \"expires_ns\": %" PRId64, ticket->expires_ns);
	}
	if (ticket->tied != 0) {
		json_text_add(text, ", \"tied\": %" PRId64, (int64_t)ticket->tied);
	}
	if (ticket->key[0] != '\0') {
		json_text_add(text, ", \"key\": \"%s\"", ticket->key);
	}
	json_text_add(text, "}");
}

void json_record_batch(struct json_text *text, const struct json_batch *batch)
{
	json_text_add(text, "{\"server\": %" PRId64 ", \"batch\": %" PRId64 "}", batch->server,
		      batch->batch);
}

static bool is_among(const char *name, const char *const *names)
{
	while (*names && strcmp(name, *names) != 0) {
		names++;
	}
	return *names;
}

bool json_record_is_object(json_t *value, const char *const *names, char *problem)
{
	const char *name;
	json_t *member;
	if (!json_is_object(value)) {
		return json_problem(problem, "should be an object");
	}
	json_object_foreach(value, name, member)
	{
		if (!is_among(name, names)) {
			return json_problem(problem, "has an unknown member \"%.40s\"", name);
		}
	}
	return true;
}

bool json_record_integer(json_t *object, const char *name, int64_t least, int64_t most,
			 int64_t *value, char *problem)
{
	json_t *member = json_object_get(object, name);
	if (!json_is_integer(member)) {
		return json_problem(problem, "\"%s\" should be a whole number", name);
	}
	*value = json_integer_value(member);
	if (*value >= least && *value <= most) {
		return true;
	}
	return json_problem(problem, "\"%s\" is %" PRId64 ", and should be %" PRId64 " to %" PRId64,
			    name, *value, least, most);
}

/* Where it is not there, OTHERWISE. */
static bool read_optional(json_t *object, const char *name, int64_t least, int64_t otherwise,
			  int64_t *value, char *problem)
{
	*value = otherwise;
	return !json_object_get(object, name) ||
	       json_record_integer(object, name, least, INT64_MAX, value, problem);
}

bool json_record_text(json_t *object, const char *name, char *text, size_t size, char *problem)
{
	json_t *member = json_object_get(object, name);
	if (!json_is_string(member)) {
		return json_problem(problem, "\"%s\" should be a text", name);
	}
	if (json_string_length(member) >= size) {
		return json_problem(problem, "\"%s\" is longer than %zu bytes", name, size - 1);
	}
	memcpy(text, json_string_value(member), json_string_length(member) + 1);
	return true;
}

/* Sets VALUE to the number of the word; words are counted from 1. */
static bool read_word(json_t *object, const char *name, const char *const *words, size_t count,
		      int *value, char *problem)
{
	const char *word = json_string_value(json_object_get(object, name));
	for (size_t i = 1; i < count && word; i++) {
		*value = (int)i;
		if (strcmp(word, words[i]) == 0) {
			return true;
		}
	}
	return json_problem(problem, "\"%s\" should be one of those from \"%s\" to \"%s\"", name,
			    words[1], words[count - 1]);
}

/* Of 16 digits. */
static uint64_t read_digits(const char *text)
{
	uint64_t value = 0;
	for (size_t i = 0; i < HALF_DIGITS; i++) {
		value = value << 4 | (uint64_t)(strchr(digits, text[i]) - digits);
	}
	return value;
}

bool json_record_hexadecimal(json_t *object, const char *name, struct siphash_key *value,
			     char *problem)
{
	const char *text = json_string_value(json_object_get(object, name));
	if (!text || strlen(text) != 2 * HALF_DIGITS || strspn(text, digits) != 2 * HALF_DIGITS) {
		return json_problem(problem, "\"%s\" should be %d digits of base 16", name,
				    2 * HALF_DIGITS);
	}
	value->words[0] = read_digits(text);
	value->words[1] = read_digits(text + HALF_DIGITS);
	return true;
}

void json_record_add_hexadecimal(struct json_text *text, const struct siphash_key *value)
{
	json_text_add(text, "\"%016" PRIx64 "%016" PRIx64 "\"", value->words[0], value->words[1]);
}

static bool read_numbers(json_t *record, struct store_event *event, char *problem)
{
	if (!json_record_integer(record, "total", 0, STORE_TOTAL_MAX, &event->total, problem) ||
	    !json_record_integer(record, "sold", 0, STORE_TOTAL_MAX, &event->sold, problem) ||
	    !json_record_integer(record, "held", 0, STORE_TOTAL_MAX, &event->held, problem)) {
		return false;
	}
	if (event->sold + event->held <= event->total) {
		return true;
	}
	return json_problem(problem, "sold and held are more than the total");
}

static bool read_event(const struct json_model *model, json_t *record, struct store_event *event,
		       char *problem)
{
	static const char *const names[] = { "number", "name", "title", "total",
					     "sold",   "held", "open",  NULL };
	json_t *open = json_object_get(record, "open");
	const int64_t most = (int64_t)model->event_count + (model->event_count < JSON_EVENTS_MAX);
	if (!json_record_is_object(record, names, problem) ||
	    !json_record_integer(record, "number", 1, most, &event->number, problem) ||
	    !json_record_text(record, "name", event->name, sizeof event->name, problem) ||
	    !json_record_text(record, "title", event->title, sizeof event->title, problem) ||
	    !read_numbers(record, event, problem)) {
		return false;
	}
	if (!json_is_boolean(open)) {
		return json_problem(problem, "\"open\" should be true or false");
	}
	event->open = json_is_true(open);
	if (!name_is_event(span_of(event->name))) {
		return json_problem(problem, "\"%s\" is no name of an event", event->name);
	}
	const struct store_event *same = json_model_event_by_name(model, event->name);
	if (same && same->number != event->number) {
		return json_problem(problem, "the name \"%s\" is there twice", event->name);
	}
	return true;
}

static bool read_key(const struct json_model *model, json_t *record, struct store_ticket *ticket,
		     char *problem)
{
	const struct json_ticket *there = json_model_ticket(model, ticket->number);
	if (json_object_get(record, "key") &&
	    (!json_record_text(record, "key", ticket->key, sizeof ticket->key, problem) ||
	     !name_is_key(span_of(ticket->key)))) {
		return json_problem(problem, "\"key\" is no good key");
	}
	if (there && strcmp(there->ticket.key, ticket->key) != 0) {
		return json_problem(problem, "\"key\" is another than before");
	}
	if (there || ticket->key[0] == '\0' || !json_model_ticket_by_key(model, ticket->key)) {
		return true;
	}
	return json_problem(problem, "the key \"%s\" is there twice", ticket->key);
}

static bool read_words(json_t *record, struct store_ticket *ticket, char *problem)
{
	int state = 0;
	int kind = 0;
	if (!read_word(record, "state", states, sizeof states / sizeof *states, &state, problem) ||
	    !read_word(record, "kind", kinds, sizeof kinds / sizeof *kinds, &kind, problem)) {
		return false;
	}
	ticket->state = (enum ticket_state)state;
	ticket->kind = (enum ticket_kind)kind;
	return true;
}

static bool read_ticket(const struct json_model *model, json_t *record, struct store_ticket *ticket,
			char *problem)
{
	static const char *const names[] = { "number",  "event",      "quantity", "state", "kind",
					     "made_ns", "expires_ns", "tied",     "key",   NULL };
	const int64_t most =
		(int64_t)model->ticket_count + (model->ticket_count < JSON_TICKETS_MAX);
	const int64_t events = (int64_t)model->event_count;
	int64_t tied = 0;
	if (!json_record_is_object(record, names, problem) ||
	    !json_record_integer(record, "number", 1, most, &ticket->number, problem) ||
	    !json_record_integer(record, "event", 1, events, &ticket->event, problem) ||
	    !json_record_integer(record, "quantity", 1, STORE_TOTAL_MAX, &ticket->quantity,
				 problem) ||
	    !read_words(record, ticket, problem) ||
	    !json_record_integer(record, "made_ns", 0, INT64_MAX, &ticket->made_ns, problem) ||
	    !read_optional(record, "expires_ns", 0, 0, &ticket->expires_ns, problem) ||
	    !read_optional(record, "tied", INT64_MIN, 0, &tied, problem)) {
		return false;
	}
	ticket->tied = (uint64_t)tied;
	return read_key(model, record, ticket, problem);
}

/* Puts in front of the problem which record it is about. */
static bool blame(const char *what, size_t place, char *problem)
{
	char reason[JSON_PROBLEM_SIZE];
	snprintf(reason, sizeof reason, "%s", problem);
	snprintf(problem, JSON_PROBLEM_SIZE, "%s %zu: %.*s", what, place + 1,
		 JSON_PROBLEM_SIZE - 40, reason);
	return false;
}

static bool take_event(struct json_model *model, json_t *record, char *problem)
{
	struct store_event event = { 0 };
	if (!read_event(model, record, &event, problem)) {
		return false;
	}
	return json_model_put_event(model, &event) || json_problem(problem, "out of memory");
}

static bool take_ticket(struct json_model *model, json_t *record, char *problem)
{
	struct store_ticket ticket = { 0 };
	if (!read_ticket(model, record, &ticket, problem)) {
		return false;
	}
	return json_model_put_ticket(model, &ticket) || json_problem(problem, "out of memory");
}

static bool take_batch(struct json_model *model, json_t *record, char *problem)
{
	static const char *const names[] = { "server", "batch", NULL };
	int64_t server = 0;
	int64_t batch = 0;
	if (!json_record_is_object(record, names, problem) ||
	    !json_record_integer(record, "server", INT64_MIN, INT64_MAX, &server, problem) ||
	    !json_record_integer(record, "batch", INT64_MIN, INT64_MAX, &batch, problem)) {
		return false;
	}
	json_batches_mark(&model->batches, server, batch);
	model->batches.list[model->batches.count - 1].changed = false;
	return true;
}

bool json_record_take_each(struct json_model *model, json_t *list, const char *what,
			   json_record_taker *take, char *problem)
{
	if (!json_is_array(list)) {
		return json_problem(problem, "the %s records should be a list", what);
	}
	for (size_t i = 0; i < json_array_size(list); i++) {
		if (!take(model, json_array_get(list, i), problem)) {
			return blame(what, i, problem);
		}
	}
	return true;
}

bool json_record_take_events(struct json_model *model, json_t *list, char *problem)
{
	return json_record_take_each(model, list, "event", take_event, problem);
}

bool json_record_take_tickets(struct json_model *model, json_t *list, char *problem)
{
	return json_record_take_each(model, list, "ticket", take_ticket, problem);
}

bool json_record_take_batches(struct json_model *model, json_t *list, char *problem)
{
	return json_record_take_each(model, list, "batch", take_batch, problem);
}
