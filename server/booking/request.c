#include "server/booking/request.h"

#include <inttypes.h>
#include <string.h>

#include "server/session/session.h"
#include "shared/text/text.h"

bool boxoffice_request_name(struct span word, char *event, struct reply *reply)
{
	if (!name_is_event(word)) {
		reply_error(reply, "BADARG", "EVENT is %s: 1 to %d of a-z, 0-9 and -",
			    word.length ? "malformed" : "missing", NAME_EVENT_SIZE - 1);
		return false;
	}
	memcpy(event, word.text, word.length);
	event[word.length] = '\0';
	return true;
}

static bool copy_key(struct span value, char *key, struct reply *reply)
{
	if (!name_is_key(value)) {
		reply_error(reply, "BADARG", "KEY is 1 to %d of A-Z a-z 0-9 . _ -",
			    NAME_KEY_SIZE - 1);
		return false;
	}
	memcpy(key, value.text, value.length);
	key[value.length] = '\0';
	return true;
}

static bool read_quantity(struct span word, int64_t *quantity, int64_t most, struct reply *reply)
{
	if (!words_number(word, 1, STORE_TOTAL_MAX, quantity)) {
		reply_error(reply, "BADARG", "QTY is a number from 1 to %" PRId64, STORE_TOTAL_MAX);
		return false;
	}
	if (most > 0 && *quantity > most) {
		reply_error(reply, "LIMIT", "at most %" PRId64 " tickets a request", most);
		return false;
	}
	return true;
}

static bool read_seconds(struct span word, int64_t *seconds, struct reply *reply)
{
	if (!words_number(word, 1, BOOKING_HOLD_SECONDS_MAX, seconds)) {
		reply_error(reply, "BADARG", "SECONDS is a number from 1 to %d",
			    BOOKING_HOLD_SECONDS_MAX);
		return false;
	}
	return true;
}

static bool read_word(struct span word, enum boxoffice_takes takes, int64_t most,
		      bool *has_quantity, struct booking_request *request, struct reply *reply)
{
	struct span value;

	if ((takes & BOXOFFICE_TAKES_KEY) && words_option(word, "key", &value)) {
		return copy_key(value, request->key, reply);
	}
	if ((takes & BOXOFFICE_TAKES_HOLD) && words_option(word, "ttl", &value)) {
		return read_seconds(value, &request->seconds, reply);
	}
	if ((takes & BOXOFFICE_TAKES_HOLD) && span_equals_ignoring_case(word, "tied")) {
		request->tied = true;
		return true;
	}
	if (*has_quantity) {
		reply_error(reply, "BADARG", "too many arguments, or unknown ones; see /help");
		return false;
	}
	*has_quantity = true;
	return read_quantity(word, &request->quantity, most, reply);
}

bool boxoffice_request_booking(const struct session *session, struct span arguments,
			       enum boxoffice_takes takes, struct booking_request *request,
			       struct reply *reply)
{
	int64_t most = session->worker->shared->options->max_quantity;
	bool has_quantity = false;
	struct span word;

	request->quantity = 1;
	if (!boxoffice_request_name(words_next(&arguments), request->event, reply)) {
		return false;
	}
	while ((word = words_next(&arguments)).length > 0) {
		if (!read_word(word, takes, most, &has_quantity, request, reply)) {
			return false;
		}
	}
	return true;
}

bool boxoffice_request_code(struct span arguments, struct booking_request *request,
			    struct reply *reply)
{
	struct span code = words_next(&arguments);

	if (!code_is_well_formed(code) || code.length >= sizeof(request->code) ||
	    words_rest(arguments).length > 0) {
		reply_error(reply, "BADARG", "CODE is 16 letters and digits: 7K3M-Q2XW-9FTA-0BHJ");
		return false;
	}
	memcpy(request->code, code.text, code.length);
	return true;
}

static bool read_new(struct span arguments, struct booking_request *request, struct reply *reply)
{
	if (!words_number(words_next(&arguments), 1, STORE_TOTAL_MAX, &request->quantity)) {
		reply_error(reply, "BADARG", "TOTAL is a number from 1 to %" PRId64,
			    STORE_TOTAL_MAX);
		return false;
	}
	struct span title = words_rest(arguments);
	char clean[LINE_MAX_BYTES * TEXT_GROWTH];
	size_t length = text_clean(title.text, title.length, clean);

	if (length >= STORE_TITLE_SIZE) {
		reply_error(reply, "BADARG", "TITLE has at most %d bytes", STORE_TITLE_SIZE - 1);
		return false;
	}
	memcpy(request->title, clean, length);
	return true;
}

bool boxoffice_request_event(struct span arguments, struct booking_request *request,
			     struct reply *reply)
{
	struct span action = words_next(&arguments);

	if (span_equals_ignoring_case(action, "new")) {
		request->verb = BOOKING_EVENT_NEW;
	} else if (span_equals_ignoring_case(action, "open")) {
		request->verb = BOOKING_EVENT_OPEN;
	} else if (span_equals_ignoring_case(action, "close")) {
		request->verb = BOOKING_EVENT_CLOSE;
	} else if (span_equals_ignoring_case(action, "grow")) {
		request->verb = BOOKING_EVENT_GROW;
	} else {
		reply_error(reply, "BADARG", "the first word is new, open, close or grow");
		return false;
	}
	if (!boxoffice_request_name(words_next(&arguments), request->event, reply)) {
		return false;
	}
	if (request->verb == BOOKING_EVENT_NEW) {
		return read_new(arguments, request, reply);
	}
	if (request->verb == BOOKING_EVENT_GROW &&
	    !words_number(words_next(&arguments), -STORE_TOTAL_MAX, STORE_TOTAL_MAX,
			  &request->quantity)) {
		reply_error(reply, "BADARG", "N is a number from %" PRId64 " to %" PRId64,
			    -STORE_TOTAL_MAX, STORE_TOTAL_MAX);
		return false;
	}
	if (words_rest(arguments).length > 0) {
		reply_error(reply, "BADARG", "too many arguments; see /help event");
		return false;
	}
	return true;
}
