#include "server/http/websocket.h"

#include <string.h>

#include "server/http/connection.h"
#include "server/http/credentials.h"
#include "server/http/frames.h"
#include "server/lines/lines.h"
#include "server/lines/listing.h"
#include "server/lines/words.h"
#include "server/session/progress.h"
#include "server/session/share.h"
#include "shared/base/clock.h"

#define PROTOCOL  "turnstile.1"
#define SILENT_NS (60 * NS_PER_SECOND) /* then it is pinged */
#define GONE_NS   (90 * NS_PER_SECOND)

static struct websocket *websocket_of(struct session *session)
{
	return (struct websocket *)session;
}

/* The handshake */

/* Whether WORD is one of LIST, which has commas. */
static bool offers(struct span list, const char *word)
{
	while (list.length > 0) {
		const char *end = memchr(list.text, ',', list.length);
		struct span item = { list.text, end ? (size_t)(end - list.text) : list.length };
		size_t used = item.length + (end ? 1 : 0);

		if (span_equals(words_rest(item), word)) {
			return true;
		}
		list = (struct span){ list.text + used, list.length - used };
	}
	return false;
}

static enum outcome refuse_upgrade(struct response *response)
{
	response_refuse(response, 426, "badarg", "this is a WebSocket of version 13");
	response_field(response, "Upgrade: websocket");
	response_field(response, "Sec-WebSocket-Version: 13");
	return OUTCOME_DONE;
}

/* Its seat had no nick so far. */
static bool take_nick(struct session *session)
{
	struct directory *directory = session->turn->shared->directory;

	if (session->seat->nick[0] != '\0') {
		return true; /* of a predecessor of this worker */
	}
	if (!directory_try(directory)) {
		return false;
	}
	directory_claim_guest(directory, session_address(session));
	directory_unlock(directory);
	return true;
}

static enum outcome agree(struct session *session, const struct request *request,
			  const char *accept_text, struct response *response)
{
	struct connection *connection = connection_of(session);

	if (credentials_look(session, request, &connection->of_operator) != OUTCOME_DONE ||
	    !take_nick(session)) {
		return OUTCOME_AGAIN;
	}
	response->status = 101;
	response_field(response, "Upgrade: websocket");
	response_field(response, "Connection: Upgrade");
	response_field(response, "Sec-WebSocket-Accept: %s", accept_text);
	if (request_has(request, FIELD_WEBSOCKET_PROTOCOL)) {
		response_field(response, "Sec-WebSocket-Protocol: " PROTOCOL);
	}
	connection->upgraded = true;
	session->stream->operator_role = connection->of_operator;
	return OUTCOME_DONE;
}

enum outcome websocket_shake_hands(struct session *session, const struct request *request,
				   struct span argument, struct response *response,
				   struct problem *problem)
{
	char accept_text[FRAMES_ACCEPT_SIZE];

	(void)argument;
	if (!request->upgrades || request->method != METHOD_GET || request->is_1_0 ||
	    !span_equals_ignoring_case(request->fields[FIELD_UPGRADE], "websocket") ||
	    !request_has(request, FIELD_WEBSOCKET_VERSION) ||
	    !span_equals(request->fields[FIELD_WEBSOCKET_VERSION], "13")) {
		return refuse_upgrade(response);
	}
	if (!request_has(request, FIELD_WEBSOCKET_KEY) ||
	    !frames_accept(request->fields[FIELD_WEBSOCKET_KEY], accept_text)) {
		return refuse(problem, PROBLEM_BADARG, "Sec-WebSocket-Key is 16 bytes in base64");
	}
	if (request_has(request, FIELD_WEBSOCKET_PROTOCOL) &&
	    !offers(request->fields[FIELD_WEBSOCKET_PROTOCOL], PROTOCOL)) {
		return refuse(problem, PROBLEM_BADARG, "the subprotocol here is " PROTOCOL);
	}
	return agree(session, request, accept_text, response);
}

/* The front */

static void finish(struct session *session)
{
	frames_destroy(websocket_of(session)->frames);
	listing_finish(session);
}

/* Control frames answer the peer's own: who does not read them is not read from. */
static void send_control(struct session *session, struct reply *control)
{
	if (control->length > 0) {
		session_send_own(session, control->text, control->length);
	}
	reply_finish(control);
}

/* A ping counts as a cheap line: those beyond --rate are not answered. */
static void add_control(struct session *session, const struct reply *control)
{
	size_t used;

	for (size_t at = 0; at < control->length; at += used) {
		const char *frame = control->text + at;

		used = frames_length(frame, control->length - at);
		if (!frames_is_pong(*frame) || session_within_rate(session, 1)) {
			reply_bytes(&session->turn->sessions->reply, frame, used);
		}
	}
}

/* The same as one of the replies: so it is sent once, whatever becomes of this worker. */
static void answer_control(struct session *session, const struct reply *control)
{
	if (control->length > 0 && progress_next(session) != REQUEST_WAS_DONE) {
		add_control(session, control);
		session_reply_is_complete(session);
	}
}

/* Where it is amid its frames, before what is kept of its lines. */
static void keep_frames(struct session *session)
{
	const struct websocket *websocket = websocket_of(session);

	if (websocket->lines.before > 0) {
		frames_save(websocket->frames, progress_kept(session));
	}
}

static void take_lines(struct session *session, const struct reply *lines)
{
	struct websocket *websocket = websocket_of(session);
	uint32_t before = (uint32_t)frames_saved_size(websocket->frames);
	char none = '\0';

	websocket->lines.before_next = before;
	websocket->lines.flags = KEPT_OF_WEBSOCKET | (before > 0 ? KEPT_AMID_FRAMES : 0);
	/* Also without any text: what is kept of a line is kept on. */
	input_take(session, lines->length > 0 ? lines->text : &none, lines->length);
	keep_frames(session);
}

static void take(struct session *session, char *bytes, size_t length)
{
	struct websocket *websocket = websocket_of(session);
	struct reply lines, control;

	session->stream->due_ns = turn_now_ns(session->turn) + GONE_NS;
	websocket->pinged = false;
	reply_init(&lines, NULL, NULL);
	reply_init(&control, NULL, NULL);
	if (frames_read(websocket->frames, bytes, length, &lines, &control)) {
		reply_clear(&session->turn->sessions->reply);
		answer_control(session, &control);
		session_send_replies(session->turn);
		take_lines(session, &lines);
	} else {
		take_lines(session, &lines);
		answer_control(session, &control);
		session_close(session);
	}
	reply_finish(&control);
	reply_finish(&lines);
}

/* It is new here: is told so, and then has its turn with what came behind the handshake. */
static void begin(struct session *session)
{
	const struct rest *rest = progress_rest(session);

	session->keeping = false;
	reply_clear(&session->turn->sessions->reply);
	if (progress_next(session) != REQUEST_WAS_DONE) {
		lines_greeting(session);
		session_reply_is_complete(session);
	}
	session_send_replies(session->turn);
	websocket_of(session)->lines.before = rest->length; /* none of that is a line's */
	take(session, rest->bytes, rest->length);
}

static void go_on(struct session *session)
{
	if (progress_rest(session)->flags & KEPT_FOR_WEBSOCKET) {
		begin(session);
	} else {
		input_go_on(session);
		keep_frames(session);
	}
}

/* Also told to who is let go; who closed first, or went wrong, has heard it. */
static void farewell(struct session *session)
{
	struct reply control;

	reply_init(&control, NULL, NULL);
	frames_close(websocket_of(session)->frames,
		     session->drained ? FRAMES_GOING_AWAY : FRAMES_NORMAL, &control);
	send_control(session, &control);
}

static void tick(struct session *session)
{
	struct websocket *websocket = websocket_of(session);
	int64_t left_ns = session->stream->due_ns - turn_now_ns(session->turn);
	struct reply control;

	if (left_ns <= 0) {
		session_close(session);
	} else if (left_ns <= GONE_NS - SILENT_NS && !websocket->pinged) {
		websocket->pinged = true;
		reply_init(&control, NULL, NULL);
		frames_ping(websocket->frames, &control);
		send_control(session, &control);
	}
}

/* Returns how long the line is, its LF counted in. */
static size_t frame_line(const char *text, size_t length, struct reply *framed)
{
	size_t end = (size_t)((const char *)memchr(text, '\n', length) - text);
	char header[FRAMES_HEADER_MOST];

	reply_bytes(framed, header, frames_header(end, header));
	reply_bytes(framed, text, end);
	return end + 1;
}

/* Each line of TEXT becomes a frame; control frames between them are such already. */
static void frame(const char *text, size_t length, struct reply *framed)
{
	while (length > 0) {
		size_t used = frames_length(text, length);

		if (frames_is_control(*text)) {
			reply_bytes(framed, text, used);
		} else {
			used = frame_line(text, length, framed);
		}
		text += used;
		length -= used;
	}
}

static size_t message_size(const struct message *event)
{
	return FRAMES_HEADER_MOST + words_message_size(event);
}

/* Written where it has room before it, and moved if the header is the short one. */
static size_t write_message(const struct message *event, char *bytes)
{
	char *text = bytes + FRAMES_HEADER_MOST;
	size_t length = words_message(event, text) - 1;
	char header[FRAMES_HEADER_MOST];
	size_t header_length = frames_header(length, header);

	memcpy(bytes, header, header_length);
	if (header_length < FRAMES_HEADER_MOST) {
		memmove(bytes + header_length, text, length);
	}
	return header_length + length;
}

static const struct front websocket_front = {
	.session_size = sizeof(struct websocket),
	.of_people = true,
	.busy = "",
	.finish = finish,
	.take = take,
	.go_on = go_on,
	.tick = tick,
	.farewell = farewell,
	.frame = frame,
	.answer = lines_answer,
	.message_size = message_size,
	.write_message = write_message,
	.message_length = frames_length,
};

/* What http has behind the struct session gives place. */
static void take_over(struct session *session)
{
	struct websocket *websocket = websocket_of(session);

	memset((char *)session + sizeof(*session), 0, sizeof(*websocket) - sizeof(*session));
	session->front = &websocket_front;
	websocket->frames = frames_create();
}

void websocket_begin(struct session *session)
{
	session->operator_role = connection_of(session)->of_operator;
	session->stream->due_ns = turn_now_ns(session->turn) + GONE_NS;
	take_over(session);
	session_put_off(session);
}

bool websocket_revive(struct session *session)
{
	const struct rest *rest = progress_rest(session);
	struct lines_session *lines = lines_session_of(session);

	take_over(session);
	if (rest->flags & KEPT_FOR_WEBSOCKET) {
		session->operator_role = rest->flags & KEPT_OF_OPERATOR;
		return true;
	}
	lines->flags = rest->flags & (KEPT_OF_WEBSOCKET | KEPT_AMID_FRAMES);
	if (rest->flags & KEPT_AMID_FRAMES) {
		lines->before = lines->before_next = FRAMES_SAVED_SIZE;
		frames_load(websocket_of(session)->frames, rest->bytes);
	}
	return input_revive(session);
}
