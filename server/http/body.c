#include "server/http/body.h"

#include <inttypes.h>

/* "application/json", whatever comes behind a ';'. */
static bool is_json(struct span type)
{
	const char *end = memchr(type.text, ';', type.length);
	struct span media = { type.text, end ? (size_t)(end - type.text) : type.length };

	return span_equals_ignoring_case(words_rest(media), "application/json");
}

static bool is_one_of(const char *name, const char *const *members)
{
	for (; *members; members++) {
		if (strcmp(name, *members) == 0) {
			return true;
		}
	}
	return false;
}

static json_t *check(json_t *body, const char *const *members, struct response *response)
{
	const char *name;
	json_t *value;

	if (!json_is_object(body)) {
		response_refuse(response, 400, "badarg", "the body must be one JSON object");
		json_decref(body);
		return NULL;
	}
	json_object_foreach(body, name, value)
	{
		if (!is_one_of(name, members)) {
			response_refuse(response, 400, "badarg",
					"the body has a member that is not known here; see /api");
			json_decref(body);
			return NULL;
		}
	}
	return body;
}

json_t *body_read(const struct request *request, const char *const *members,
		  struct response *response)
{
	if (request->body.length == 0) {
		return json_object();
	}
	if (!request_has(request, FIELD_CONTENT_TYPE) ||
	    !is_json(request->fields[FIELD_CONTENT_TYPE])) {
		response_refuse(response, 415, "badarg",
				"a body must be application/json, and say so");
		return NULL;
	}
	return check(
		json_loadb(request->body.text, request->body.length, JSON_REJECT_DUPLICATES, NULL),
		members, response);
}

enum outcome body_number(const json_t *body, const char *name, int64_t least, int64_t most,
			 int64_t *number, struct problem *problem)
{
	const json_t *value = json_object_get(body, name);

	if (!value) {
		return OUTCOME_DONE;
	}
	*number = json_integer_value(value);
	if (json_is_integer(value) && *number >= least && *number <= most) {
		return OUTCOME_DONE;
	}
	return refuse(problem, PROBLEM_BADARG, "%s is a number from %" PRId64 " to %" PRId64, name,
		      least, most);
}

enum outcome body_text(const json_t *body, const char *name, struct span *text,
		       struct problem *problem)
{
	const json_t *value = json_object_get(body, name);

	if (!json_is_string(value)) {
		return refuse(problem, PROBLEM_BADARG, "%s is missing, or no text", name);
	}
	*text = (struct span){ json_string_value(value), json_string_length(value) };
	return OUTCOME_DONE;
}

enum outcome body_flag(const json_t *body, const char *name, bool *there, bool *flag,
		       struct problem *problem)
{
	const json_t *value = json_object_get(body, name);

	*there = value != NULL;
	*flag = json_is_true(value);
	if (value && !json_is_boolean(value)) {
		return refuse(problem, PROBLEM_BADARG, "%s is true or false", name);
	}
	return OUTCOME_DONE;
}
