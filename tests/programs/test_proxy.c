/* The PROXY protocol, from whom it is believed: who comes through a proxy is who it says. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/programs/office.h"
#include "tests/programs/watch.h"
#include "tests/support/child.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"

static struct turnstiled server;
static struct talk boss, ann, bob, late;

static void init(void)
{
	turnstiled_init(&server, TURNSTILED);
}

static void finish(void)
{
	turnstiled_finish(&server);
}

TestSuite(programs_proxy, .init = init, .fini = finish, .timeout = 60);

/* A connection that a proxy brings, who says that it comes from ADDRESS. */
static void bring(struct talk *talk, const char *address)
{
	const char *header = text_of("PROXY TCP4 %s 127.0.0.1 1 2\r\n", address);

	talk_open(talk, server.lines_port);
	talk_write(talk, header, strlen(header));
}

static void bring_greeted(struct talk *talk, const char *address)
{
	bring(talk, address);
	talk_expect_start(talk, "+turnstile 1 ");
}

static void cap_and_ban(const char *dispatch)
{
	turnstiled_start(&server, "--workers", "2", "--dispatch", dispatch, "--trust-proxy",
			 "127.0.0.1", "--max-per-address", "1", "--op-password-file",
			 password_file(&server));
	bring_greeted(&boss, "192.0.2.1");
	bring_greeted(&ann, "192.0.2.2");
	bring(&late, "192.0.2.2");
	talk_expect_start(&late, "-BUSY your address has 1 connections");
	talk_expect_end(&late);
	bring_greeted(&bob, "192.0.2.3");
	become_operator(&boss);
	ask(&boss, "+ban ", "/ban 192.0.2.2 60");
	talk_expect_event(&ann, "*notice ");
	talk_expect_end(&ann);
	bring(&late, "192.0.2.2");
	talk_expect_start(&late, "-DENIED your address is banned ");
	ask(&bob, "+pong", "/ping");
	cr_expect_eq(turnstiled_stop(&server), 0);
	cr_expect(eventually(log_has(&server, "(192.0.2.1) is an operator now")));
}

Test(programs_proxy, caps_bans_and_the_log_are_by_who_comes_and_not_by_the_proxy)
{
	cap_and_ban("handoff");
}

Test(programs_proxy, they_are_when_workers_accept_too)
{
	cap_and_ban("accept");
}

Test(programs_proxy, what_is_said_of_a_network_holds_for_all_of_it_and_no_other)
{
	static const char refused[] = "PROXY TCP4 192.0.2.1 127.0.0.1 1 2\r\n/ping\n";

	turnstiled_start(&server, "--trust-proxy", "192.0.2.0/24", "--trust-proxy", "::1");
	talk_open_greeted(&ann, server.lines_port);
	talk_write(&ann, refused, strlen(refused));
	talk_expect_start(&ann, "-NOROOM ");
	talk_expect(&ann, "+pong");
	cr_expect_eq(turnstiled_stop(&server), 0);
	turnstiled_start(&server, "--trust-proxy", "192.0.2.0/24", "--trust-proxy", "127.0.0.0/8");
	bring_greeted(&ann, "198.51.100.7");
}

Test(programs_proxy, both_versions_come_in_pieces_and_with_what_follows)
{
	static const char whole[] = SIGNATURE "\x21\x11\0\x0f\xc0\0\x02\x07\x7f\0\0\x01\x01\x02"
					      "\x03\x04TLV/ping one\n/ping two\n";

	turnstiled_start(&server, "--trust-proxy", "127.0.0.1");
	talk_open(&ann, server.lines_port);
	for (size_t i = 0; i < sizeof(whole) - 1; i++) {
		talk_write(&ann, whole + i, 1);
	}
	talk_expect_start(&ann, "+turnstile 1 ");
	talk_expect(&ann, "+pong one");
	talk_expect(&ann, "+pong two");
	talk_open(&bob, server.lines_port);
	talk_write(&bob, whole, sizeof(whole) - 1);
	talk_expect_start(&bob, "+turnstile 1 ");
	talk_expect(&bob, "+pong one");
}

Test(programs_proxy, who_is_not_named_is_the_proxy_itself)
{
	static const char unknown[] = "PROXY UNKNOWN\r\n";
	static const char local[] = SIGNATURE "\x20\0\0\0";

	turnstiled_start(&server, "--trust-proxy", "127.0.0.1", "--max-per-address", "1");
	talk_open(&ann, server.lines_port);
	talk_write(&ann, unknown, sizeof(unknown) - 1);
	talk_expect_start(&ann, "+turnstile 1 ");
	talk_open(&bob, server.lines_port);
	talk_write(&bob, local, sizeof(local) - 1);
	talk_expect_start(&bob, "-BUSY your address has 1 connections");
	bring_greeted(&late, "192.0.2.9");
}

Test(programs_proxy, a_trusted_connection_without_a_header_ends_and_is_logged)
{
	turnstiled_start(&server, "--trust-proxy", "127.0.0.1");
	for (int i = 0; i < 3; i++) {
		talk_open(&ann, server.lines_port);
		talk_say(&ann, "/ping");
		talk_expect_end(&ann);
		talk_close(&ann);
	}
	talk_open(&ann, server.lines_port); /* one who only looks is no news */
	talk_close(&ann);
	bring_greeted(&bob, "192.0.2.7");
	cr_expect_eq(turnstiled_stop(&server), 0);
	cr_expect(eventually(
		log_has(&server, "somebody (127.0.0.1) is a trusted proxy, but sent no PROXY")));
}

Test(programs_proxy, echo_begins_behind_the_header)
{
	static const char sent[] = "PROXY TCP6 2001:db8::7 ::1 1 2\r\nhello";
	char back[5];

	turnstiled_start(&server, "--trust-proxy", "127.0.0.1");
	talk_open(&ann, server.echo_port);
	talk_write(&ann, sent, sizeof(sent) - 1);
	talk_read(&ann, back, sizeof(back));
	cr_expect_arr_eq(back, "HELLO", sizeof(back));
}
