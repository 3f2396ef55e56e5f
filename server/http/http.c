#include "server/http/http.h"

#include <stdlib.h>
#include <string.h>

#include "server/http/connection.h"
#include "server/http/credentials.h"
#include "server/http/page.h"
#include "server/http/parser.h"
#include "server/http/resource.h"
#include "server/http/ticket_page.h"
#include "server/http/tickets.h"
#include "server/http/websocket.h"
#include "server/session/share.h"
#include "shared/base/clock.h"

#define REQUEST_NS (10 * NS_PER_SECOND) /* for a request to come whole */
#define IDLE_NS    (60 * NS_PER_SECOND) /* without one */
#define END_NS     (10 * NS_PER_SECOND) /* for the last answer to be read */
#define KEPT_STEP  1024                 /* bytes by which what is kept grows */

#define CONTINUE "HTTP/1.1 100 Continue\r\n\r\n"

static void start(struct session *session, const struct session_socket *socket)
{
	struct connection *connection = connection_of(session);

	connection->site = site_of(socket);
	connection->deadline_ns = turn_now_ns(session->turn) + REQUEST_NS;
}

static void finish(struct session *session)
{
	free(connection_of(session)->kept);
}

/* Answers */

/* What is said ends here; who does not read it has END_NS. */
static void close_session(struct session *session)
{
	session_close(session);
	session->linger_until_ns = turn_now_ns(session->turn) + END_NS;
}

static void send_response(struct session *session, const struct response *response)
{
	struct connection *connection = connection_of(session);
	const struct response_manner manner = { connection->without_body, connection->last };

	response_write(response, manner, turn_wall_ns(session->turn),
		       &session->turn->sessions->reply);
	if (response->status >= 400) {
		score_add(session->turn->score, COUNTER_ERRORS, 1);
	}
	session_reply_is_complete(session);
}

/* Why a status refuses what is no request that anybody here takes. */
static const char *what_is_wrong(unsigned status)
{
	switch (status) {
	case 408: return "the request did not come whole in time";
	case 413: return "a body has at most 16 KiB";
	case 431:
		return "the request line and all fields have at most 16 KiB, in at most 64 fields";
	case 501: return "there is no such method, and a body needs a Content-Length";
	case 505: return "this is HTTP/1.1";
	default: return "this is no request of HTTP/1.1";
	}
}

static void answer(struct session *session, const struct booking_request *request,
		   const struct booking_answer *booking_answer)
{
	struct response response;

	response_init(&response);
	if (connection_of(session)->answers_page) {
		ticket_page_answer(session->turn, request, booking_answer, &response);
	} else {
		tickets_answer(session->turn, request, booking_answer, &response);
	}
	send_response(session, &response);
	response_finish(&response);
}

/* What comes after it cannot be told from it: the connection ends. */
static void refuse_bytes(struct session *session, unsigned status)
{
	struct response response;

	response_init(&response);
	response_refuse(&response, status, status == 413 || status == 431 ? "toolong" : "badarg",
			what_is_wrong(status));
	connection_of(session)->last = true;
	send_response(session, &response);
	response_finish(&response);
	close_session(session);
}

/* The next request is another. */
static void begin_anew(struct session *session)
{
	struct connection *connection = connection_of(session);

	connection->head = (struct head){ .length = 0 };
	connection->head_is_whole = connection->charged = connection->without_body = false;
	connection->answers_page = false;
	session->operator_role = false;
	connection->answered_one = true;
	connection->deadline_ns = turn_now_ns(session->turn) + IDLE_NS;
	if (connection->last) {
		close_session(session);
	}
}

/* Carrying out */

static bool is_changing(enum method method)
{
	return method != METHOD_GET && method != METHOD_HEAD;
}

/* False when it is not for this server, or comes from a page of somebody else's. */
static bool is_for_us(const struct session *session, const struct request *request,
		      const struct resource *resource)
{
	const struct options *options = session->turn->shared->options;
	const struct site site = ((const struct connection *)session)->site;
	const struct span origin = request->fields[FIELD_ORIGIN];
	bool known = site_is_host(site, options, request->fields[FIELD_HOST]) &&
		     (!request->authority.text || site_is_host(site, options, request->authority));

	bool checks_origin =
		is_changing(request->method) || (resource && resource->site == OWN_ORIGIN);

	if (resource && resource->site == ANY_HOST) {
		return true;
	}
	return known && (!origin.text || !checks_origin || site_is_origin(site, options, origin));
}

/* Who looks for what is not there and not the API's is somebody at a browser. */
static bool is_of_page(const struct request *request)
{
	return !is_changing(request->method) && !span_starts(request->path, "/api/");
}

static void refuse_path(const struct request *request, struct response *response)
{
	char methods[RESOURCE_METHODS_SIZE];

	resource_methods(request->path, methods);
	if (methods[0] == '\0' && is_of_page(request)) {
		page_missing(response);
		return;
	}
	if (methods[0] == '\0') {
		response_refuse(response, 404, "notfound", "there is nothing of that name");
		return;
	}
	response_refuse(response, 405, "badcmd", "this cannot be done with it; see Allow");
	response_field(response, "Allow: %s", methods);
}

/* Once a request, however often it has to be tried. */
static bool is_within_rate(struct session *session, unsigned cost)
{
	struct connection *connection = connection_of(session);

	if (!connection->charged) {
		connection->charged = true;
		session_charge(session, cost);
		score_add(session->turn->score, COUNTER_COMMANDS, 1);
		return session_within_rate(session, cost);
	}
	return true;
}

static enum outcome carry_out(struct session *session, const struct request *request,
			      struct response *response)
{
	struct span argument;
	struct problem problem;
	const struct resource *resource = resource_find(request, &argument);

	if (!is_within_rate(session, resource ? resource->cost : 1)) {
		response_refuse(response, 429, "rate", "too many requests; this one was not done");
		return OUTCOME_DONE;
	}
	if (!is_for_us(session, request, resource)) {
		response_refuse(response, 403, "denied",
				"Host or Origin is not an address of this server; see "
				"--public-url");
		return OUTCOME_DONE;
	}
	if (!resource) {
		refuse_path(request, response);
		return OUTCOME_DONE;
	}
	enum outcome outcome = resource->role == FOR_ANYONE
				       ? OUTCOME_DONE
				       : credentials_check(session, request, response);

	if (outcome != OUTCOME_DONE) {
		return outcome;
	}
	session->operator_role = resource->role == FOR_OPERATORS;
	outcome = resource->run(session, request, argument, response, &problem);
	if (outcome == OUTCOME_REFUSED) {
		response_problem(response, &problem);
	}
	return outcome;
}

/* A request is there whole. False when it has to be tried again. */
static bool take_request(struct session *session, const struct request *request)
{
	struct connection *connection = connection_of(session);
	struct response response;

	connection->without_body = request->method == METHOD_HEAD;
	connection->last = request->ends;
	response_init(&response);
	enum outcome outcome = carry_out(session, request, &response);

	if (outcome == OUTCOME_AGAIN) {
		session_retry_later(session);
	}
	connection->answering = outcome == OUTCOME_LATER;
	bool again = outcome == OUTCOME_AGAIN || outcome == OUTCOME_WAIT;

	session->keeping = connection->answering || again;
	connection->deadline_ns = 0;
	if (!session->keeping) {
		send_response(session, &response);
		begin_anew(session);
	}
	response_finish(&response);
	return !again;
}

/* Bytes */

/* A head is whole: what it says of the body; whether the peer waits for a word of ours. */
static unsigned take_head(struct session *session, const struct request *request, bool body_is_here)
{
	struct connection *connection = connection_of(session);
	const struct span expected = request->fields[FIELD_EXPECT];

	connection->head_is_whole = true;
	connection->body_length = (uint32_t)request->body_length;
	if (!expected.text || request->is_1_0) {
		return 0;
	}
	if (!span_equals_ignoring_case(expected, "100-continue")) {
		return 417;
	}
	if (!body_is_here) {
		session_send_own(session, CONTINUE, sizeof(CONTINUE) - 1);
	}
	return 0;
}

/* How much of BYTES the request that begins there takes; 0: it is not whole, or not done yet. */
static size_t serve_one(struct session *session, const char *bytes, size_t length)
{
	struct connection *connection = connection_of(session);
	struct head *head = &connection->head;
	struct request request;
	unsigned status = 0;

	if (!connection->head_is_whole) {
		enum head_result result =
			head_read(head, bytes + head->length, length - head->length);

		if (result == HEAD_OPEN) {
			return 0;
		}
		status = result == HEAD_TOO_LARGE ? 431 : result == HEAD_MALFORMED ? 400 : 0;
	} else if (length < head->length + connection->body_length) {
		return 0;
	}
	if (status == 0) {
		status = parser_read(bytes, head->length, &request);
		connection->without_body = request.method == METHOD_HEAD;
	}
	size_t whole = head->length + (status == 0 ? request.body_length : 0);

	if (status == 0 && !connection->head_is_whole) {
		status = take_head(session, &request, length >= whole);
	}
	if (status != 0) {
		refuse_bytes(session, status);
		return 0;
	}
	request.body = (struct span){ bytes + head->length, request.body_length };
	return length >= whole && take_request(session, &request) ? whole : 0;
}

/* A request's time begins with its first byte; the first one's with the connection. */
static void hurry(struct session *session)
{
	struct connection *connection = connection_of(session);

	if (connection->head.length == 0 && connection->answered_one) {
		connection->deadline_ns = turn_now_ns(session->turn) + REQUEST_NS;
	}
}

/* One request after the other; returns how many bytes are done with. */
static size_t serve(struct session *session, const char *bytes, size_t length)
{
	size_t done = 0;

	while (session->state == SESSION_OPEN && !session->keeping &&
	       !connection_of(session)->upgraded && done < length) {
		if (!session_may_go_on(session)) {
			session_put_off(session);
			break;
		}
		hurry(session);
		size_t used = serve_one(session, bytes + done, length - done);

		if (used == 0) {
			break;
		}
		done += used;
	}
	return done;
}

static void keep(struct session *session, const char *bytes, size_t length)
{
	struct connection *connection = connection_of(session);
	size_t wanted = connection->kept_length + length;

	if (length == 0 || session->state != SESSION_OPEN) {
		return;
	}
	if (wanted > connection->kept_room) {
		size_t room = (wanted + KEPT_STEP - 1) / KEPT_STEP * KEPT_STEP;
		char *kept = realloc(connection->kept, room);

		if (!kept) {
			session_close(session);
			return;
		}
		connection->kept = kept;
		connection->kept_room = (uint32_t)room;
	}
	memcpy(connection->kept + connection->kept_length, bytes, length);
	connection->kept_length = (uint32_t)wanted;
}

static void serve_kept(struct session *session)
{
	struct connection *connection = connection_of(session);
	size_t done = serve(session, connection->kept, connection->kept_length);

	connection->kept_length -= (uint32_t)done;
	if (connection->kept_length > 0) {
		memmove(connection->kept, connection->kept + done, connection->kept_length);
		return;
	}
	free(connection->kept);
	connection->kept = NULL;
	connection->kept_room = 0;
}

/* The peer asked for a WebSocket, and was told that it has one. */
static void hand_over(struct session *session)
{
	struct connection *connection = connection_of(session);
	char *rest = connection->kept;
	size_t length = connection->kept_length;

	if (connection->upgraded && session->state == SESSION_OPEN) {
		connection->kept = NULL;
		websocket_begin(session, rest, length);
		free(rest);
	}
}

static void take(struct session *session, char *bytes, size_t length)
{
	reply_clear(&session->turn->sessions->reply);
	session_begin_share(session);
	if (connection_of(session)->kept_length > 0) {
		keep(session, bytes, length);
		serve_kept(session);
	} else {
		size_t done = serve(session, bytes, length);

		keep(session, bytes + done, length - done);
	}
	session_send_replies(session->turn);
	hand_over(session);
}

static void go_on(struct session *session)
{
	struct connection *connection = connection_of(session);

	session->keeping = false;
	reply_clear(&session->turn->sessions->reply);
	session_begin_share(session);
	if (connection->answering) {
		connection->answering = false;
		begin_anew(session);
	}
	serve_kept(session);
	session_send_replies(session->turn);
	hand_over(session);
}

/* A second passed. */
static void tick(struct session *session)
{
	struct connection *connection = connection_of(session);

	if (connection->deadline_ns == 0 || turn_now_ns(session->turn) < connection->deadline_ns) {
		return;
	}
	reply_clear(&session->turn->sessions->reply);
	if (connection->head.length > 0) {
		refuse_bytes(session, 408);
	} else {
		close_session(session);
	}
}

/* It is told why in a whole answer to what it has not asked yet. */
static void refuse_peer(struct session *session, const struct problem *problem)
{
	struct response response;

	response_init(&response);
	response_problem(&response, problem);
	connection_of(session)->last = true;
	send_response(session, &response);
	response_finish(&response);
}

/* Nobody here is in a room. */
static size_t no_words(const struct message *event)
{
	(void)event;
	return 0;
}

static size_t write_nothing(const struct message *event, char *bytes)
{
	(void)event;
	(void)bytes;
	return 0;
}

/* What a session is at first, and what it may become. */
union either {
	struct connection connection;
	struct websocket websocket;
};

const struct front http_front = {
	.forgets = true,
	.session_size = sizeof(union either),
	.busy = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 1\r\n"
		"Cache-Control: no-store\r\nConnection: close\r\n\r\n",
	.start = start,
	.finish = finish,
	.refuse = refuse_peer,
	.take = take,
	.go_on = go_on,
	.tick = tick,
	.answer = answer,
	.message_size = no_words,
	.write_message = write_nothing,
};
