/* The line protocol over a WebSocket: GET /ws of an HTTP port. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tests/programs/office.h"
#include "tests/programs/watch.h"
#include "tests/support/child.h"
#include "tests/support/http.h"
#include "tests/support/websocket.h"

#define WHOLE_TEXT 0x81
#define SHAKE                                                       \
	"Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n" \
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define VERSION_13 "Sec-WebSocket-Version: 13\r\n"

static struct turnstiled server;
static struct talk ann, bob;
static struct http_answer answer;

static void init(void)
{
	turnstiled_init(&server, TURNSTILED);
}

static void finish(void)
{
	turnstiled_finish(&server);
}

TestSuite(programs_websocket, .init = init, .fini = finish, .timeout = 120);

/* Which of the two comes first nobody promises. */
static void expect_booked_and_told(const char *sale)
{
	const char *first = websocket_expect(&ann, WEBSOCKET_TEXT, "");
	bool told_first = strncmp(first, sale, strlen(sale)) == 0;

	cr_assert(told_first || strncmp(first, "+booked ", strlen("+booked ")) == 0, "%s", first);
	websocket_expect(&ann, WEBSOCKET_TEXT, told_first ? "+booked " : sale);
}

Test(programs_websocket, who_is_on_the_web_and_who_is_at_nc_are_in_one_room)
{
	turnstiled_start(&server, "--workers", "2", "--event", "rush=5");
	websocket_open(&ann, server.http_port);
	talk_open_greeted(&bob, server.lines_port);
	websocket_say(&ann, "/nick ann");
	websocket_expect(&ann, WEBSOCKET_TEXT, "+nick ann");
	websocket_say(&ann, "/join #rush");
	websocket_expect(&ann, WEBSOCKET_TEXT, "+join #rush");
	talk_ask(&bob, "/join #rush", "+join #rush");
	websocket_expect(&ann, WEBSOCKET_TEXT, "*join #rush guest-");
	talk_say(&bob, "hello <b>");
	websocket_expect(&ann, WEBSOCKET_TEXT, "*say #rush guest-");
	websocket_say(&ann, "good evening \xC3\xA4");
	talk_expect_event(&bob, "*say #rush ann good evening \xC3\xA4");
	websocket_say(&ann, "/book rush 2");
	expect_booked_and_told("*sale rush 3 5");
	talk_expect_event(&bob, "*sale rush 3 5");
	ask(&bob, "+where ann ", "/where ann");
	websocket_say(&ann, "/quit");
	websocket_expect(&ann, WEBSOCKET_TEXT, "+bye");
	websocket_expect_close(&ann, 1000);
	talk_expect_event(&bob, "*part #rush ann");
}

Test(programs_websocket, a_long_listing_is_a_frame_a_line)
{
	static char text[900];

	turnstiled_start(&server, "--workers", "1");
	websocket_open(&ann, server.http_port);
	memset(text, 'x', sizeof(text) - 1);
	memcpy(text, "/ping ", 6);
	websocket_say(&ann, text);
	memcpy(text + 1, "pong", 4);
	text[0] = '+';
	websocket_expect(&ann, WEBSOCKET_TEXT, text);
	websocket_say(&ann, "/help");
	const char *line;

	do {
		line = websocket_expect(&ann, WEBSOCKET_TEXT, "");
		cr_expect(*line == '=' || strncmp(line, "+help ", 6) == 0, "'%s'", line);
	} while (*line == '=');
}

Test(programs_websocket, a_handshake_that_is_none_is_refused)
{
	static const struct {
		const char *method, *fields;
		unsigned status;
	} refused[] = {
		{ "GET", "", 426 },
		{ "GET", SHAKE, 426 },
		{ "GET", SHAKE "Sec-WebSocket-Version: 8\r\n", 426 },
		{ "HEAD", SHAKE VERSION_13, 426 },
		{ "POST", SHAKE VERSION_13, 405 },
		{ "GET", "Upgrade: websocket\r\n" VERSION_13, 426 },
		{ "GET", "Upgrade: h2c\r\nConnection: Upgrade\r\n" VERSION_13, 426 },
		{ "GET", "Upgrade: websocket\r\nConnection: Upgrade\r\n" VERSION_13, 400 },
		{ "GET",
		  "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: "
		  "short\r\n" VERSION_13,
		  400 },
		{ "GET",
		  "Upgrade: websocket\r\nConnection: Upgrade\r\n"
		  "Sec-WebSocket-Key: ????????????????????????\r\n" VERSION_13,
		  400 },
		{ "GET", SHAKE VERSION_13 "Sec-WebSocket-Protocol: chat, turnstile.2\r\n", 400 },
		{ "GET", SHAKE VERSION_13 "Origin: http://evil.example\r\n", 403 },
	};

	turnstiled_start(&server, "--workers", "1");
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		talk_open(&ann, server.http_port);
		cr_expect_eq(
			http_ask(&ann, &answer, refused[i].method, "/ws", refused[i].fields, NULL),
			refused[i].status, "%u for '%s'", answer.status, refused[i].fields);
		talk_close(&ann);
	}
	talk_open(&ann, server.http_port);
	http_send(&ann, "GET", "/ws", SHAKE VERSION_13, NULL);
	cr_expect_eq(http_receive(&ann, &answer, false), 101);
	cr_expect_null(strstr(answer.head, "Sec-WebSocket-Protocol"));
	cr_expect_null(strstr(answer.head, "Content-Length"));
}

/* Shakes hands with these FIELDS, and takes the greeting. */
static void open_with(struct talk *talk, const char *fields)
{
	talk_open(talk, server.http_port);
	http_send(talk, "GET", "/ws", text_of(SHAKE VERSION_13 "%s", fields), NULL);
	cr_assert_eq(http_receive(talk, &answer, false), 101);
	websocket_expect(talk, WEBSOCKET_TEXT, "+turnstile 1 ");
}

/* Returns the cookie, as a field of requests to come. */
static const char *sign_in(struct talk *page)
{
	char field[128];

	cr_expect_eq(http_ask(page, &answer, "POST", "/api/v1/op",
			      "Content-Type: application/json\r\n",
			      "{\"password\":\"open sesame\"}"),
		     200);
	http_field(&answer, "Set-Cookie", field, sizeof(field));
	return text_of("Cookie: %.*s\r\n", (int)strcspn(field, ";"), field);
}

Test(programs_websocket, who_has_an_operators_cookie_is_one_until_it_is_given_back)
{
	static struct talk page;

	turnstiled_start(&server, "--workers", "2", "--op-password-file", password_file(&server));
	talk_open(&page, server.http_port);
	cr_expect_eq(http_get(&page, &answer, "/api/v1/op"), 401);
	const char *cookie = sign_in(&page);

	cr_expect_eq(http_ask(&page, &answer, "GET", "/api/v1/op", cookie, NULL), 200);
	open_with(&ann, cookie);
	websocket_say(&ann, "/workers");
	websocket_expect(&ann, WEBSOCKET_TEXT, "=1 ");
	open_with(&bob, "Cookie: turnstile_op=00112233445566778899aabbccddeeff\r\n");
	websocket_say(&bob, "/workers");
	websocket_expect(&bob, WEBSOCKET_TEXT, "-DENIED ");
	talk_close(&bob);
	cr_expect_eq(http_ask(&page, &answer, "DELETE", "/api/v1/op", cookie, NULL), 200);
	open_with(&bob, cookie);
	websocket_say(&bob, "/workers");
	websocket_expect(&bob, WEBSOCKET_TEXT, "-DENIED ");
}

Test(programs_websocket, frames_may_come_behind_the_handshake_and_byte_by_byte)
{
	static const unsigned char ping[] = { 0x81, 0x85, 0, 0, 0, 0, '/', 'p', 'i', 'n', 'g' };
	char request[512];

	turnstiled_start(&server, "--workers", "1");
	talk_open(&ann, server.http_port);
	int length = snprintf(request, sizeof(request),
			      "GET /ws HTTP/1.1\r\nHost: localhost:%u\r\n" SHAKE VERSION_13 "\r\n",
			      server.http_port);

	memcpy(request + length, ping, sizeof(ping));
	talk_write(&ann, request, (size_t)length + sizeof(ping));
	cr_expect_eq(http_receive(&ann, &answer, false), 101);
	websocket_expect(&ann, WEBSOCKET_TEXT, "+turnstile 1 ");
	websocket_expect(&ann, WEBSOCKET_TEXT, "+pong");
	for (size_t i = 0; i < sizeof(ping); i++) {
		talk_write(&ann, ping + i, 1);
	}
	websocket_expect(&ann, WEBSOCKET_TEXT, "+pong");
}

Test(programs_websocket, a_message_may_come_in_pieces_with_a_ping_between)
{
	turnstiled_start(&server, "--workers", "1");
	websocket_open(&ann, server.http_port);
	websocket_send(&ann, 0x01, "/pi", 3);
	websocket_send(&ann, 0x89, "are you\nthere?", 14);
	websocket_expect(&ann, WEBSOCKET_PONG, "are you\nthere?");
	websocket_send(&ann, 0x00, "ng \xC3", 4);
	websocket_send(&ann, 0x80, "\xA4", 1);
	websocket_expect(&ann, WEBSOCKET_TEXT, "+pong \xC3\xA4");
}

Test(programs_websocket, what_is_no_line_closes_with_its_code)
{
	static const struct {
		unsigned char first;
		const char *bytes;
		unsigned code;
	} wrong[] = {
		{ 0x82, "/ping", 1003 },         /* binary */
		{ WHOLE_TEXT, "/ping\n", 1003 }, /* two lines */
		{ WHOLE_TEXT, "/ping \xFF", 1007 },
		{ WHOLE_TEXT, "/ping \xC3", 1007 }, /* ends within a character */
		{ 0xC1, "/ping", 1002 },            /* a reserved bit */
		{ 0x83, "/ping", 1002 },            /* a reserved opcode */
		{ 0x80, "/ping", 1002 },            /* nothing to continue */
	};

	turnstiled_start(&server, "--workers", "1");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		websocket_open(&ann, server.http_port);
		websocket_send(&ann, wrong[i].first, wrong[i].bytes, strlen(wrong[i].bytes));
		websocket_expect_close(&ann, wrong[i].code);
		talk_close(&ann);
	}
	websocket_open(&ann, server.http_port);
	talk_write(&ann, "\x81\x05/ping", 7); /* not masked */
	websocket_expect_close(&ann, 1002);
}

Test(programs_websocket, who_closes_is_answered)
{
	turnstiled_start(&server, "--workers", "1");
	websocket_open(&ann, server.http_port);
	websocket_say(&ann, "/ping 1");
	websocket_send(&ann, 0x88, "\x03\xE8", 2);
	websocket_expect(&ann, WEBSOCKET_TEXT, "+pong 1");
	websocket_expect_close(&ann, 1000);
}

Test(programs_websocket, a_line_that_is_too_long_is_refused_and_the_next_is_not)
{
	static char text[40000];

	turnstiled_start(&server, "--workers", "1");
	websocket_open(&ann, server.http_port);
	memset(text, 'x', sizeof(text));
	websocket_send(&ann, WHOLE_TEXT, text, sizeof(text));
	websocket_say(&ann, "/ping");
	websocket_expect(&ann, WEBSOCKET_TEXT, "-TOOLONG ");
	websocket_expect(&ann, WEBSOCKET_TEXT, "+pong");
}

Test(programs_websocket, the_rate_is_that_of_lines)
{
	turnstiled_start(&server, "--workers", "1", "--rate", "1");
	websocket_open(&ann, server.http_port);
	for (int i = 0; i < 2; i++) {
		websocket_say(&ann, "/ping");
	}
	websocket_expect(&ann, WEBSOCKET_TEXT, "+pong");
	websocket_expect(&ann, WEBSOCKET_TEXT, "-RATE ");
}

Test(programs_websocket, who_is_kicked_and_who_is_there_when_it_stops_is_told_why)
{
	turnstiled_start(&server, "--workers", "1", "--op-password-file", password_file(&server));
	websocket_open(&ann, server.http_port);
	talk_open_greeted(&bob, server.lines_port);
	become_operator(&bob);
	websocket_say(&ann, "/nick ann");
	websocket_expect(&ann, WEBSOCKET_TEXT, "+nick ann");
	ask(&bob, "+kick ann", "/kick ann enough");
	websocket_expect(&ann, WEBSOCKET_TEXT, "*notice ");
	websocket_expect_close(&ann, 1000);
	talk_close(&ann);
	websocket_open(&ann, server.http_port);
	cr_expect_eq(turnstiled_stop(&server), 0);
	websocket_expect(&ann, WEBSOCKET_TEXT, "*notice the server stops now");
	websocket_expect_close(&ann, 1001);
}

Test(programs_websocket, who_does_not_read_is_cut_off_and_nobody_is_slower_for_it)
{
	static char text[900];

	turnstiled_start(&server, "--workers", "1", "--send-queue", "16KiB", "--rate", "0");
	websocket_open(&ann, server.http_port);
	websocket_say(&ann, "/join #r");
	talk_open_greeted(&bob, server.lines_port);
	talk_ask(&bob, "/join #r", "+join #r");
	memset(text, 'x', sizeof(text) - 1);
	for (int i = 0; i < 100000 && stat_of(&bob, "turnstile_cut_off_total") == 0; i++) {
		for (int j = 0; j < 100; j++) {
			talk_say(&bob, "%s", text);
		}
	}
	cr_expect_eq(stat_of(&bob, "turnstile_cut_off_total"), 1);
	/* Whole frames to the end: the last line, then why, then a close. */
	for (const char *line = ""; strncmp(line, "*notice ", 8) != 0;) {
		line = websocket_expect(&ann, WEBSOCKET_TEXT, "");
	}
	websocket_expect_close(&ann, 1000);
}

Test(programs_websocket, it_outlives_its_worker_and_nobody_notices)
{
	pid_t worker[WATCH_CHILDREN_MAX];

	turnstiled_start(&server, "--workers", "1");
	websocket_open(&ann, server.http_port);
	websocket_say(&ann, "/nick ann");
	websocket_expect(&ann, WEBSOCKET_TEXT, "+nick ann");
	websocket_say(&ann, "/join #r");
	websocket_expect(&ann, WEBSOCKET_TEXT, "+join #r");
	talk_open_greeted(&bob, server.lines_port);
	talk_ask(&bob, "/join #r", "+join #r");
	websocket_expect(&ann, WEBSOCKET_TEXT, "*join #r guest-");
	cr_assert_eq(watch_children(server.pid, worker), 1);
	cr_assert(watch_signal(server.pid, worker[0], SIGKILL));
	talk_say(&bob, "/say #r are you there?");
	websocket_expect(&ann, WEBSOCKET_TEXT, "*say #r guest-");
	websocket_say(&ann, "/say #r yes");
	talk_expect_event(&bob, "*say #r ann yes");
}

Test(programs_websocket, pings_beyond_the_rate_are_not_answered)
{
	/* Five pings and a line, each masked with zeros, together. */
	static const char frames[] =
		"\x89\x81\0\0\0\0\x31\x89\x81\0\0\0\0\x32\x89\x81\0\0\0\0\x33"
		"\x89\x81\0\0\0\0\x34\x89\x81\0\0\0\0\x35\x81\x85\0\0\0\0/ping";

	turnstiled_start(&server, "--rate", "1");
	websocket_open(&ann, server.http_port);
	talk_write(&ann, frames, sizeof(frames) - 1);
	websocket_expect(&ann, WEBSOCKET_PONG, "1");
	websocket_expect(&ann, WEBSOCKET_TEXT, "-RATE ");
}

Test(programs_websocket, an_operator_by_the_cookie_stays_one_when_the_worker_is_killed)
{
	static struct talk page;
	pid_t worker[WATCH_CHILDREN_MAX];

	turnstiled_start(&server, "--workers", "1", "--op-password-file", password_file(&server));
	talk_open(&page, server.http_port);
	const char *cookie = sign_in(&page);

	open_with(&ann, cookie);
	open_with(&bob, "");
	cr_assert_eq(watch_children(server.pid, worker), 1);
	cr_assert(watch_signal(server.pid, worker[0], SIGKILL));
	websocket_say(&ann, "/workers");
	websocket_expect(&ann, WEBSOCKET_TEXT, "=1 ");
	websocket_expect(&ann, WEBSOCKET_TEXT, "+workers 1");
	websocket_say(&bob, "/workers");
	websocket_expect(&bob, WEBSOCKET_TEXT, "-DENIED ");
}
