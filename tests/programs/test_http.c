/* The HTTP port of the whole server. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/http.h"
#include "tests/support/server.h"

static struct turnstiled server;
static struct talk talk;
static struct http_answer answer;

static void init(void)
{
	turnstiled_init(&server, TURNSTILED);
}

static void finish(void)
{
	turnstiled_finish(&server);
}

TestSuite(programs_http, .init = init, .fini = finish, .timeout = 120);

Test(programs_http, it_says_that_it_is_well_however_the_socket_came)
{
	static const char *const dispatch[] = { "handoff", "accept" };

	for (size_t i = 0; i < 2; i++) {
		turnstiled_start(&server, "--dispatch", dispatch[i]);
		talk_open(&talk, server.http_port);
		cr_expect_eq(http_get(&talk, &answer, "/healthz"), 200);
		cr_expect_str_eq(answer.body, "ok\n");
		cr_expect_eq(http_ask(&talk, &answer, "HEAD", "/healthz", "", NULL), 200);
		cr_expect_eq(http_get(&talk, &answer, "/healthz"), 200);
		talk_close(&talk);
		cr_expect_eq(turnstiled_stop(&server), 0);
	}
}

Test(programs_http, every_byte_may_come_alone)
{
	char request[128];

	turnstiled_start(&server, "--workers", "1");
	talk_open(&talk, server.http_port);
	int length =
		snprintf(request, sizeof(request),
			 "GET /healthz HTTP/1.1\r\nHost: localhost:%u\r\n\r\n", server.http_port);

	for (int i = 0; i < length; i++) {
		talk_write(&talk, request + i, 1);
	}
	cr_expect_eq(http_receive(&talk, &answer, true), 200);
}

Test(programs_http, what_is_no_request_is_refused_and_the_connection_ends)
{
	static const struct {
		const char *bytes;
		unsigned status;
	} refused[] = {
		{ "GET / HTTP/1.1\nHost: localhost\n\n", 400 },
		{ "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
		  "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\n",
		  400 },
		{ "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 501 },
		{ "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n", 413 },
	};

	turnstiled_start(&server, "--workers", "1");
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		talk_open(&talk, server.http_port);
		talk_write(&talk, refused[i].bytes, strlen(refused[i].bytes));
		cr_expect_eq(http_receive(&talk, &answer, true), refused[i].status, "'%s'",
			     refused[i].bytes);
		talk_expect_end(&talk);
		talk_close(&talk);
	}
}

Test(programs_http, past_the_cap_a_connection_is_told_that_the_server_is_busy)
{
	static struct talk other;

	turnstiled_start(&server, "--workers", "1", "--max-connections", "1");
	talk_open_greeted(&other, server.lines_port);
	talk_open(&talk, server.http_port);
	cr_expect_eq(http_receive(&talk, &answer, true), 503);
	talk_expect_end(&talk);
}

Test(programs_http, another_name_is_taken_when_it_is_a_public_url)
{
	turnstiled_start(&server, "--workers", "1", "--public-url", "https://tickets.example.org");
	talk_open(&talk, server.http_port);
	talk_write(&talk, "GET /x HTTP/1.1\r\nHost: evil.example.org\r\n\r\n", 43);
	cr_expect_eq(http_receive(&talk, &answer, true), 403);
	talk_write(&talk, "GET /x HTTP/1.1\r\nHost: tickets.example.org\r\n\r\n", 46);
	cr_expect_eq(http_receive(&talk, &answer, true), 404);
}
