/* Requests of a session, from its socket to its socket, in one worker without a master. */
#include "server/http/http.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/config/listener.h"
#include "server/http/asset.h"
#include "server/process/core.h"
#include "server/session/session.h"
#include "shared/base/clock.h"

#define OUT_SIZE (256 * 1024)

#define FILES_ASKED 100
#define ANSWER_HEAD 1024 /* bytes, and more than there are */
#define TURNS_MOST  10000

/* A socket pair has no address: the server's name is a public one. */
#define HOST "Host: box.example\r\n"

static struct options options = { .workers = 1,
				  .max_connections = 4,
				  .history = 10,
				  .send_queue_bytes = 1 << 20,
				  .public_urls = { "http://box.example" },
				  .public_url_count = 1 };
static struct shared_state shared;
static struct core core;
static int client;

static int open_session(void)
{
	int ends[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	(void)session_open(&core.turn, &http_front,
			   &(struct session_socket){ .descriptor = ends[0] });
	return ends[1];
}

static void run_turn(void)
{
	(void)event_base_loop(core.turn.base, EVLOOP_NONBLOCK);
	core_turn(&core);
}

static void send_bytes(const char *bytes, size_t length)
{
	cr_assert_eq(write(client, bytes, length), (ssize_t)length);
	run_turn();
}

static void send_in(const char *text)
{
	send_bytes(text, strlen(text));
}

/* What came; its end is told by `ended`. */
static bool ended;
static const char *get_out(void)
{
	static char out[OUT_SIZE];
	size_t length = 0;
	ssize_t got;

	while ((got = read(client, out + length, sizeof(out) - 1 - length)) > 0) {
		length += (size_t)got;
	}
	ended = got == 0;
	out[length] = '\0';
	return out;
}

/* The statuses of the answers that came, one after the other: "200 404". */
static const char *statuses(void)
{
	static char found[256];
	const char *out = get_out();
	size_t length = 0;

	found[0] = '\0';
	while ((out = strstr(out, "HTTP/1.1 "))) {
		length += (size_t)snprintf(found + length, sizeof(found) - length, "%s%.3s",
					   length > 0 ? " " : "", out + 9);
		out++;
	}
	return found;
}

static void init(void)
{
	shared_state_init(&shared, &options);
	atomic_store(&shared.scoreboard->scores[0].state, WORKER_SERVING);
	core_init(&core, &shared, 0);
	core.turn.base = event_base_new();
	client = open_session();
}

static void finish(void)
{
	close(client);
	run_turn();
	cr_expect_eq(core.turn.sessions->count, 0);
	event_base_free(core.turn.base);
	core_finish(&core);
}

TestSuite(http, .init = init, .fini = finish);

static void reconnect(void)
{
	close(client);
	run_turn();
	client = open_session();
}

Test(http, a_request_cut_at_each_byte_is_answered_once_it_is_whole)
{
	static const char *const requests[] = {
		"GET /healthz HTTP/1.1\r\n" HOST "\r\n",
		"POST /healthz HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc",
	};

	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		size_t length = strlen(requests[i]);

		for (size_t cut = 1; cut < length; cut++) {
			send_bytes(requests[i], cut);
			cr_assert_str_eq(get_out(), "", "cut after %zu", cut);
			send_bytes(requests[i] + cut, length - cut);
			cr_assert_str_eq(statuses(), i == 0 ? "200" : "405", "cut after %zu", cut);
		}
	}
}

Test(http, a_request_that_comes_byte_by_byte_is_answered)
{
	static const char request[] =
		"GET /healthz HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nab";

	for (size_t i = 0; i < sizeof(request) - 1; i++) {
		cr_assert_str_eq(get_out(), "");
		send_bytes(request + i, 1);
	}
	cr_expect_str_eq(statuses(), "200");
}

Test(http, requests_that_come_together_are_answered_in_their_order)
{
	send_in("GET /healthz HTTP/1.1\r\n" HOST "\r\n"
		"GET /nowhere HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nGET "
		"DELETE /healthz HTTP/1.1\r\n" HOST "\r\n"
		"HEAD /healthz HTTP/1.1\r\n" HOST "\r\n"
		"GET /healthz HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"
		"GET /healthz HTTP/1.1\r\n" HOST "\r\n");
	cr_expect_str_eq(statuses(), "200 404 405 200 200");
	cr_expect(ended);
}

Test(http, head_is_get_without_the_body)
{
	send_in("GET /healthz HTTP/1.1\r\n" HOST "\r\n");
	char *get = strdup(get_out());

	cr_assert_not_null(get);
	char *body = strstr(get, "\r\n\r\n") + 4;

	cr_expect_str_eq(body, "ok\n");
	*body = '\0';
	send_in("HEAD /healthz HTTP/1.1\r\n" HOST "\r\n");
	/* The date may be another by now. */
	cr_expect_str_eq(strstr(get_out(), "Content-Type"), strstr(get, "Content-Type"));
	free(get);
}

Test(http, a_wrong_method_is_told_the_right_ones)
{
	send_in("PATCH /healthz HTTP/1.1\r\n" HOST "\r\n");
	cr_expect_not_null(strstr(get_out(), "\r\nAllow: GET, HEAD\r\n"));
}

Test(http, every_answer_says_that_it_is_no_page_of_others)
{
	static const char *const fields[] = { "\r\nContent-Security-Policy: default-src 'none'",
					      "\r\nX-Content-Type-Options: nosniff\r\n",
					      "\r\nReferrer-Policy: no-referrer\r\n",
					      "\r\nCross-Origin-Opener-Policy: same-origin\r\n",
					      "\r\nCache-Control: no-store\r\n",
					      "\r\nDate: " };
	static const char *const requests[] = { "GET /healthz HTTP/1.1\r\n" HOST "\r\n",
						"GET /nowhere HTTP/1.1\r\n" HOST "\r\n",
						"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n",
						"GET / HTTP/1.1\n" };

	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		send_in(requests[i]);
		const char *out = get_out();

		for (size_t j = 0; j < sizeof(fields) / sizeof(fields[0]); j++) {
			cr_expect_not_null(strstr(out, fields[j]), "'%s' is not in '%s'", fields[j],
					   out);
		}
	}
}

Test(http, what_is_no_request_is_refused_and_ends_the_connection)
{
	static const struct {
		const char *bytes, *statuses;
	} refused[] = {
		{ "GET / HTTP/1.1\n", "400" },
		{ "GET /healthz HTTP/1.1\r\n\r\n", "400" },
		{ "POST /healthz HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n", "501" },
		{ "POST /healthz HTTP/1.1\r\n" HOST "Content-Length: 16385\r\n\r\n", "413" },
		{ "POST /healthz HTTP/1.1\r\n" HOST "Expect: tea\r\n\r\n", "417" },
		{ "GET /healthz HTTP/3.0\r\n" HOST "\r\n", "505" },
		/* What a proxy might have taken for another request is not even looked at. */
		{ "GET /healthz HTTP/1.1\r\n" HOST "\r\n"
		  "POST /healthz HTTP/1.1\r\n" HOST
		  "Content-Length: 40\r\nContent-Length: 0\r\n\r\n"
		  "GET /healthz HTTP/1.1\r\n" HOST "\r\n",
		  "200 400" },
		{ "POST /healthz HTTP/1.1\r\n" HOST
		  "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
		  "GET /healthz HTTP/1.1\r\n" HOST "\r\n",
		  "400" },
	};

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		send_in(refused[i].bytes);
		cr_expect_str_eq(statuses(), refused[i].statuses, "'%s'", refused[i].bytes);
		cr_expect(ended);
		reconnect();
	}
}

Test(http, a_head_that_is_too_large_is_refused_before_it_ends)
{
	static char line[2048];

	memset(line, 'a', sizeof(line));
	send_in("GET /healthz HTTP/1.1\r\nX: ");
	for (int i = 0; i < 7; i++) {
		send_bytes(line, sizeof(line));
	}
	cr_expect_str_eq(statuses(), "");
	send_bytes(line, sizeof(line));
	cr_expect_str_eq(statuses(), "431");
	cr_expect(ended);
}

Test(http, a_body_as_large_as_it_may_be_is_taken)
{
	static char body[16384];

	memset(body, 'a', sizeof(body));
	send_in("POST /healthz HTTP/1.1\r\n" HOST "Content-Length: 16384\r\n\r\n");
	send_bytes(body, sizeof(body) - 1);
	cr_expect_str_eq(statuses(), "");
	send_bytes(body, 1);
	cr_expect_str_eq(statuses(), "405");
	cr_expect_not(ended);
}

Test(http, http_1_0_is_served_and_the_connection_ends)
{
	send_in("GET /healthz HTTP/1.0\r\n" HOST "Connection: keep-alive\r\n\r\n");
	cr_expect_str_eq(statuses(), "200");
	cr_expect(ended);
}

Test(http, who_waits_to_send_a_body_is_told_to_go_on)
{
	send_in("POST /healthz HTTP/1.1\r\n" HOST
		"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
	cr_expect_str_eq(get_out(), "HTTP/1.1 100 Continue\r\n\r\n");
	send_in("a");
	cr_expect_str_eq(get_out(), "");
	send_in("b");
	cr_expect_str_eq(statuses(), "405");
	/* HTTP/1.0 does not know it, and who has sent the body has it already. */
	send_in("POST /healthz HTTP/1.1\r\n" HOST
		"Expect: 100-continue\r\nContent-Length: 2\r\n\r\nab");
	cr_expect_str_eq(statuses(), "405");
	send_in("POST /healthz HTTP/1.0\r\n" HOST
		"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
	cr_expect_str_eq(get_out(), "");
}

Test(http, another_host_or_the_page_of_another_is_refused)
{
	send_in("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n");
	cr_expect_str_eq(statuses(), "403");
	send_in("GET http://evil.example/ HTTP/1.1\r\n" HOST "\r\n");
	cr_expect_str_eq(statuses(), "403");
	send_in("GET http://box.example/nowhere HTTP/1.1\r\n" HOST "\r\n");
	cr_expect_str_eq(statuses(), "404");
	send_in("POST / HTTP/1.1\r\n" HOST "Origin: http://evil.example\r\n\r\n");
	cr_expect_str_eq(statuses(), "403");
	send_in("POST / HTTP/1.1\r\n" HOST "Origin: null\r\n\r\n");
	cr_expect_str_eq(statuses(), "403");
	send_in("POST /nowhere HTTP/1.1\r\n" HOST "Origin: http://box.example\r\n\r\n");
	cr_expect_str_eq(statuses(), "404");
	send_in("GET /healthz HTTP/1.1\r\nHost: 10.0.0.1:1\r\n\r\n");
	cr_expect_str_eq(statuses(), "200");
}

/* Time passes, in seconds. */
static void pass(int64_t seconds)
{
	core.turn.now_ns = turn_now_ns(&core.turn) + seconds * NS_PER_SECOND;
	core_tick(&core);
	core_turn(&core);
}

Test(http, a_first_request_has_ten_seconds_from_the_connection_on)
{
	pass(9);
	send_in("GET /healthz HTTP/1.1\r\n");
	cr_expect_str_eq(statuses(), "");
	pass(1);
	cr_expect_str_eq(statuses(), "408");
	cr_expect(ended);
	reconnect();
	pass(10);
	cr_expect_str_eq(get_out(), "");
	cr_expect(ended);
}

Test(http, a_later_request_has_ten_seconds_from_its_first_byte_on_and_may_be_awaited_for_sixty)
{
	send_in("GET /healthz HTTP/1.1\r\n" HOST "\r\n");
	cr_expect_str_eq(statuses(), "200");
	pass(59);
	send_in("G");
	pass(9);
	send_in("ET /healthz HTTP/1.1\r\n");
	cr_expect_str_eq(statuses(), "");
	send_in(HOST "\r\n");
	cr_expect_str_eq(statuses(), "200");
	pass(59);
	(void)get_out();
	cr_expect_not(ended);
	pass(1);
	cr_expect_str_eq(get_out(), "");
	cr_expect(ended);
}

Test(http, a_body_that_drips_ends_with_the_time_too)
{
	send_in("POST /healthz HTTP/1.1\r\n" HOST "Content-Length: 9\r\n\r\na");
	pass(9);
	send_in("b");
	pass(1);
	cr_expect_str_eq(statuses(), "408");
	cr_expect(ended);
}

static const struct asset *largest_asset(void)
{
	const struct asset *largest = &assets[0];

	for (size_t i = 1; i < asset_count; i++) {
		largest = assets[i].size > largest->size ? &assets[i] : largest;
	}
	return largest;
}

Test(http, who_asks_for_many_files_and_reads_none_has_few_kept_and_gets_all_in_the_end)
{
	const struct asset *asset = largest_asset();
	char requests[FILES_ASKED * 128];
	size_t length = 0, answered = 0;

	for (size_t i = 0; i < FILES_ASKED; i++) {
		length += (size_t)snprintf(requests + length, sizeof(requests) - length,
					   "GET /assets/%s HTTP/1.1\r\n" HOST "\r\n", asset->name);
	}
	send_bytes(requests, length);
	cr_expect_lt(core.turn.sessions->queued_bytes,
		     LISTENER_UNSENT_BYTES + 64 * 1024 + 2 * (asset->size + ANSWER_HEAD));
	for (unsigned i = 0; i < TURNS_MOST && answered < FILES_ASKED; i++) {
		for (const char *out = get_out(); (out = strstr(out, "HTTP/1.1 200 ")); out++) {
			answered++;
		}
		run_turn();
	}
	cr_expect_eq(answered, FILES_ASKED);
}

Test(http, who_asks_too_much_in_a_second_is_told_so)
{
	options.rate = 2;
	for (int i = 0; i < 4; i++) {
		send_in("GET /healthz HTTP/1.1\r\n" HOST "\r\n");
		cr_expect_str_eq(statuses(), "200");
	}
	send_in("GET /healthz HTTP/1.1\r\n" HOST "\r\n");
	const char *out = get_out();

	cr_expect_not_null(strstr(out, "HTTP/1.1 429 "));
	cr_expect_not_null(strstr(out, "\r\nRetry-After: 1\r\n"));
	options.rate = 0;
}

/* A listing counts as twenty: ten seconds' worth, of which two may be ahead. */
Test(http, and_for_how_long_it_is_too_much)
{
	options.rate = 2;
	send_in("GET /api/v1/events HTTP/1.1\r\n" HOST "\r\n");
	cr_expect_str_eq(statuses(), "200");
	send_in("GET /healthz HTTP/1.1\r\n" HOST "\r\n");
	const char *out = get_out();

	cr_expect_not_null(strstr(out, "HTTP/1.1 429 "));
	cr_expect_not_null(strstr(out, "\r\nRetry-After: 9\r\n"), "%s", out);
	options.rate = 0;
}

Test(http, a_half_closed_peer_gets_its_answer)
{
	send_in("GET /healthz HTTP/1.1\r\n" HOST "\r\n");
	shutdown(client, SHUT_WR);
	run_turn();
	cr_expect_str_eq(statuses(), "200");
	cr_expect(ended);
}

Test(http, a_server_that_stops_says_nothing_that_is_no_answer)
{
	sessions_drain(&core.turn);
	run_turn();
	cr_expect_str_eq(get_out(), "");
	cr_expect(ended);
}

Test(http, a_server_whose_store_failed_or_whose_bookings_wait_is_not_well)
{
	struct booking_slot *slot;

	atomic_store(&shared.queue->failed_ns, turn_now_ns(&core.turn));
	send_in("GET /healthz HTTP/1.1\r\n" HOST "\r\n");
	cr_expect_not_null(strstr(get_out(), "\r\n\r\nthe store failed; the log says why\n"));
	atomic_store(&shared.queue->failed_ns, 0);
	slot = booking_queue_reserve(shared.queue, 0);
	slot->asked_ns = turn_now_ns(&core.turn) - 7 * NS_PER_SECOND;
	booking_queue_submit(shared.queue, 0);
	send_in("GET /healthz HTTP/1.1\r\n" HOST "\r\n");
	const char *out = get_out();

	cr_expect_not_null(strstr(out, "HTTP/1.1 503 "));
	cr_expect_not_null(strstr(out, "\r\n\r\nbookings wait for 7 seconds\n"));
	atomic_store(&shared.queue->rings[0].answered, 1);
	shared.scoreboard->scores[0].state = WORKER_DRAINING;
	send_in("GET /healthz HTTP/1.1\r\n" HOST "\r\n");
	cr_expect_not_null(strstr(get_out(), "\r\n\r\nthe server stops\n"));
}
