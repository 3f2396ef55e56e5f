#include "server/http/http.h"

#include <stdlib.h>
#include <string.h>

#include "server/http/connection.h"
#include "server/http/credentials.h"
#include "server/http/page.h"
#include "server/http/parser.h"
#include "server/http/resource.h"
#include "server/http/site.h"
#include "server/http/ticket_page.h"
#include "server/http/tickets.h"
#include "server/http/websocket.h"
#include "server/session/progress.h"
#include "server/session/share.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"

#define REQUEST_NS (10 * NS_PER_SECOND) /* for a request to come whole */
#define IDLE_NS    (60 * NS_PER_SECOND) /* without one */
#define END_NS     (10 * NS_PER_SECOND) /* for the last answer to be read */
#define TRIED_MOST 2 /* workers that may end over a request; a third one only says so */

#define CONTINUE "HTTP/1.1 100 Continue\r\n\r\n"

static void start(struct session *session, const struct session_socket *socket)
{
	if (session->stream->own.port == 0) {
		session->stream->own = endpoint_of(socket->descriptor);
	}
	session->stream->due_ns = turn_now_ns(session->turn) + REQUEST_NS;
}

/* Answers */

/* What is said ends here; who does not read it has END_NS. */
static void close_session(struct session *session)
{
	session->stream->end_ns = turn_now_ns(session->turn) + END_NS;
	session_close(session);
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

static void send_refusal(struct session *session, unsigned status)
{
	struct response response;

	response_init(&response);
	response_refuse(&response, status, status == 413 || status == 431 ? "toolong" : "badarg",
			what_is_wrong(status));
	connection_of(session)->last = true;
	send_response(session, &response);
	response_finish(&response);
}

/* What comes after it cannot be told from it: the connection ends. */
static void refuse_bytes(struct session *session, unsigned status)
{
	if (progress_next(session) != REQUEST_WAS_DONE) {
		send_refusal(session, status);
	}
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
	session->stream->due_ns = turn_now_ns(session->turn) + IDLE_NS;
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
	const struct site site = site_of(session->stream);
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

	if (connection->charged) {
		return true;
	}
	bool is_within = session_within_rate(session, cost);

	connection->charged = true;
	session_charge(session, is_within ? cost : 1);
	score_add(session->turn->score, COUNTER_COMMANDS, 1);
	return is_within;
}

static enum outcome carry_out(struct session *session, const struct request *request,
			      struct response *response)
{
	struct span argument;
	struct problem problem;
	const struct resource *resource = resource_find(request, &argument);

	if (!is_within_rate(session, resource ? resource->cost : 1)) {
		response->wait_ns = session_rate_wait_ns(session);
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

/* The clerk has it, or somebody who looks at its password: what follows waits. */
static void await_answer(struct session *session, bool is_asked)
{
	connection_of(session)->answering = is_asked;
	session->keeping = true;
	session->stream->due_ns = 0;
}

/* A predecessor of this worker has answered it, or asked the clerk. */
static void pass_over(struct session *session, const struct request *request)
{
	struct connection *connection = connection_of(session);
	struct span argument;
	const struct resource *resource = resource_find(request, &argument);

	if (session->unanswered > 0 && progress_is_last_done(session)) {
		connection->answers_page = resource && resource->run == ticket_page_show;
		await_answer(session, true);
		return;
	}
	connection->upgraded = session->seat->nick[0] != '\0';
	connection->of_operator = session->stream->operator_role;
	begin_anew(session);
}

/*
 * What was begun and not asked of the clerk has changed nothing that asking again changes twice: it
 * is carried out anew. But one over which worker after worker ends is not to end them all.
 */
static enum outcome carry_out_if_new(struct session *session, const struct request *request,
				     enum request_fate fate, struct response *response)
{
	if (fate == REQUEST_WAS_INTERRUPTED && session->turn->hand->resumed >= TRIED_MOST) {
		response_refuse(response, 503, "interrupted",
				"the processes that carried this out ended: it was done or not");
		return OUTCOME_DONE;
	}
	return carry_out(session, request, response);
}

/* What became of it; false when it has to be tried again. */
static bool take_outcome(struct session *session, enum outcome outcome,
			 const struct response *response)
{
	switch (outcome) {
	case OUTCOME_LATER:
		progress_done(session);
		await_answer(session, true);
		return true;
	case OUTCOME_AGAIN: session_retry_later(session); /* fallthrough */
	case OUTCOME_WAIT:
		progress_put_back(session);
		await_answer(session, false);
		return false;
	default:
		send_response(session, response);
		begin_anew(session);
		return true;
	}
}

/* A request is there whole. False when it has to be tried again. */
static bool take_request(struct session *session, const struct request *request)
{
	struct connection *connection = connection_of(session);
	enum request_fate fate = progress_next(session);
	struct response response;

	connection->without_body = request->method == METHOD_HEAD;
	connection->last = request->ends;
	if (fate == REQUEST_WAS_DONE) {
		pass_over(session, request);
		return true;
	}
	response_init(&response);
	enum outcome outcome = carry_out_if_new(session, request, fate, &response);
	bool is_taken = take_outcome(session, outcome, &response);

	response_finish(&response);
	return is_taken;
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
	if (!body_is_here && progress_next(session) != REQUEST_WAS_DONE) {
		reply_bytes(&session->turn->sessions->reply, CONTINUE, sizeof(CONTINUE) - 1);
		session_reply_is_complete(session);
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
	const struct connection *connection = connection_of(session);

	if (connection->head.length == 0 && connection->answered_one) {
		session->stream->due_ns = turn_now_ns(session->turn) + REQUEST_NS;
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

static uint32_t flags_of(const struct connection *connection)
{
	bool waits = connection->session.keeping && !connection->answering;

	return (connection->answered_one ? KEPT_ANSWERED_ONE : 0) |
	       (connection->head_is_whole ? KEPT_HEAD_IS_WHOLE : 0) | (waits ? KEPT_WAITS : 0) |
	       (connection->answering ? KEPT_ANSWERING : 0) |
	       (connection->without_body ? KEPT_WITHOUT_BODY : 0) |
	       (connection->last ? KEPT_LAST : 0) |
	       (connection->answers_page ? KEPT_ANSWERS_PAGE : 0) |
	       (connection->upgraded ? KEPT_FOR_WEBSOCKET : 0) |
	       (connection->of_operator ? KEPT_OF_OPERATOR : 0);
}

static void keep(struct session *session, const char *bytes, size_t length)
{
	if (session->state != SESSION_OPEN) {
		(void)progress_keep(session, 0, 0);
		return;
	}
	void *kept = progress_keep(session, length, flags_of(connection_of(session)));

	if (length > 0) {
		memcpy(kept, bytes, length);
	}
}

/* All that there is of the peer's, from the first request that is not answered. */
static void take_all(struct session *session, const char *bytes, size_t length)
{
	reply_clear(&session->turn->sessions->reply);
	session_begin_share(session);
	size_t done = serve(session, bytes, length);

	session_send_replies(session->turn);
	keep(session, bytes + done, length - done);
	if (connection_of(session)->upgraded && session->state == SESSION_OPEN) {
		websocket_begin(session);
	}
}

static void take(struct session *session, char *bytes, size_t length)
{
	const struct rest *rest = progress_rest(session);

	if (rest->length == 0) {
		take_all(session, bytes, length);
		return;
	}
	char *all = malloc(rest->length + length);

	if (!all) {
		die("out of memory");
	}
	memcpy(all, rest->bytes, rest->length);
	memcpy(all + rest->length, bytes, length);
	take_all(session, all, rest->length + length);
	free(all);
}

static void go_on(struct session *session)
{
	struct span input = progress_rest_input(session, 0);
	struct connection *connection = connection_of(session);

	session->keeping = false;
	if (connection->answering) {
		connection->answering = false;
		begin_anew(session);
	}
	take_all(session, input.text, input.length);
}

/* How much of its first request a predecessor has looked at. */
static void revive_head(struct connection *connection, struct span input, uint32_t flags)
{
	struct request request;

	if (flags & KEPT_ANSWERING) {
		return;
	}
	enum head_result result = head_read(&connection->head, input.text, input.length);

	connection->head_is_whole = result == HEAD_WHOLE && (flags & KEPT_HEAD_IS_WHOLE);
	if (connection->head_is_whole &&
	    parser_read(input.text, connection->head.length, &request) == 0) {
		connection->body_length = (uint32_t)request.body_length;
	} else if (result != HEAD_OPEN) {
		connection->head = (struct head){ .length = 0 };
	}
}

static bool revive(struct session *session)
{
	const struct rest *rest = progress_rest(session);
	struct connection *connection = connection_of(session);

	if (rest->flags & (KEPT_FOR_WEBSOCKET | KEPT_OF_WEBSOCKET)) {
		return websocket_revive(session);
	}
	session->operator_role = false; /* that goes with a request */
	revive_head(connection, progress_rest_input(session, 0), rest->flags);
	connection->answered_one = rest->flags & KEPT_ANSWERED_ONE;
	connection->answering = rest->flags & KEPT_ANSWERING;
	connection->without_body = rest->flags & KEPT_WITHOUT_BODY;
	connection->last = rest->flags & KEPT_LAST;
	connection->answers_page = rest->flags & KEPT_ANSWERS_PAGE;
	return rest->flags & (KEPT_WAITS | KEPT_ANSWERING);
}

/*
 * A second passed. Who is told that it was too slow is told once: whatever becomes of this worker,
 * the connection ends.
 */
static void tick(struct session *session)
{
	int64_t due_ns = session->stream->due_ns;

	if (due_ns == 0 || turn_now_ns(session->turn) < due_ns) {
		return;
	}
	session->stream->end_ns = turn_now_ns(session->turn) + END_NS;
	atomic_store(&session->stream->state, STREAM_CLOSING);
	reply_clear(&session->turn->sessions->reply);
	if (connection_of(session)->head.length > 0) {
		send_refusal(session, 408);
	}
	close_session(session);
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
	.session_size = sizeof(union either),
	.busy = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 1\r\n"
		"Cache-Control: no-store\r\nConnection: close\r\n\r\n",
	.start = start,
	.refuse = refuse_peer,
	.take = take,
	.go_on = go_on,
	.revive = revive,
	.tick = tick,
	.answer = answer,
	.message_size = no_words,
	.write_message = write_nothing,
};
