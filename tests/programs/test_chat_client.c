#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "tests/support/folder.h"
#include "tests/support/server.h"
#include "tests/support/talk.h"
#include "tests/support/terminal.h"

#define ROWS    24
#define COLUMNS 80

static struct turnstiled server;
static struct terminal terminal;
static struct talk talk;
static char listen_address[64]; /* the same over restarts */

static int reserved;

/*
 * A port that nobody has, nor gets while the server is being started again: it stays bound. The
 * server may listen at it all the same, since both sockets have SO_REUSEADDR and ours does not
 * listen.
 */
static unsigned reserve_port(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(address);
	const int on = 1;

	reserved = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(setsockopt(reserved, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
	cr_assert_eq(bind(reserved, (struct sockaddr *)&address, sizeof(address)), 0);
	cr_assert_eq(getsockname(reserved, (struct sockaddr *)&address, &length), 0);
	return ntohs(address.sin_port);
}

static void serve(void)
{
	turnstiled_start(&server, "--workers", "2", "--listen", listen_address, "--event",
			 "rush=10:The rush");
}

static void start_server(void)
{
	snprintf(listen_address, sizeof(listen_address), "lines:127.0.0.1:%u", reserve_port());
	turnstiled_init(&server, TURNSTILED);
	serve();
}

static void finish_all(void)
{
	terminal_finish(&terminal);
	turnstiled_finish(&server);
	close(reserved);
}

TestSuite(programs_chat_client, .init = start_server, .fini = finish_all);

static void start_client_at(char *port, const char *setting)
{
	char program[] = TURNSTILE, option[] = "--port", chat[] = "chat";
	char *argv[] = { program, option, port, chat, NULL };
	const char *const environment[] = { setting, NULL };

	terminal_start(&terminal, argv, environment, ROWS, COLUMNS);
}

static void start_client(const char *setting)
{
	char port[16];

	snprintf(port, sizeof(port), "%u", server.lines_port);
	start_client_at(port, setting);
}

/* A client in #rush that calls itself me, and another, at TALK, that is anna. */
static void start_both(void)
{
	start_client("LC_ALL=C.UTF-8");
	terminal_expect_some(&terminal, "To talk, enter a room: /join #lobby");
	terminal_type(&terminal, "/nick me\r/join #rush\r");
	terminal_expect(&terminal, 1,
			"me · #rush · nobody else here · ████████████████ 10 of 10 left");
	terminal_expect(&terminal, 0, "#rush>");
	talk_open_greeted(&talk, server.lines_port);
	talk_ask(&talk, "/nick anna", "+nick");
	talk_ask(&talk, "/join #rush", "+join #rush 2");
	terminal_expect(&terminal, 1, "me · #rush · anna · ████████████████ 10 of 10 left");
}

/* Ctrl-U, Ctrl-D. */
static void leave(void)
{
	terminal_type(&terminal, "\025\x04");
	cr_expect_eq(terminal_join(&terminal), 0);
	talk_close(&talk);
}

Test(programs_chat_client, lines_that_come_in_do_not_disturb_what_is_being_typed)
{
	char line[64], shown[64];

	start_both();
	for (int i = 0; i < 20; i++) {
		char letter[2] = { (char)('a' + i), '\0' };
		snprintf(line, sizeof(line), "hello %d", i);
		snprintf(shown, sizeof(shown), "#rush <anna> hello %d", i);
		talk_say(&talk, "%s", line);
		terminal_type(&terminal, letter);
		terminal_expect_some(&terminal, shown);
	}
	terminal_expect(&terminal, 0, "#rush> abcdefghijklmnopqrst");
	cr_expect_eq(terminal_count(&terminal, "#rush> "), 1);
	cr_expect_eq(terminal_count(&terminal, "me · #rush"), 1);
	terminal_type(&terminal, "\r");
	talk_expect_event(&talk, "*say #rush me abcdefghijklmnopqrst");
	leave();
}

Test(programs_chat_client, an_escape_sequence_cut_by_a_line_is_still_a_key)
{
	start_both();
	terminal_type(&terminal, "ac\033");
	talk_say(&talk, "now");
	terminal_expect_some(&terminal, "#rush <anna> now");
	terminal_type(&terminal, "[Db"); /* the rest of the left arrow */
	terminal_expect(&terminal, 0, "#rush> abc");
	leave();
}

Test(programs_chat_client, a_key_that_is_not_known_leaves_nothing_in_the_line)
{
	static const char *const keys[] = {
		"\033[5~", "\033[15~",   "\033[2~",      "\033[1;2P",    "\033[1;3A",
		"\033[Z",  "\033[[A",    "\033OP",       "\033[27;5;9~", "\033[I",
		"\033[O",  "\033\033[A", "\033[<0;1;1M", "\033[201~",
	};

	start_both();
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		terminal_type(&terminal, "a");
		terminal_type(&terminal, keys[i]);
		terminal_type(&terminal, "b\r");
		cr_expect_str_eq(talk_expect_event(&talk, "*say "), "*say #rush me ab", "key %zu",
				 i);
	}
	leave();
}

Test(programs_chat_client, keys_with_ctrl_home_end_and_delete_do_what_they_say)
{
	start_both();
	terminal_type(&terminal, "one two\033[1;5DX\033[1~Y\033[4~Z\033[1~\033[3~\r");
	talk_expect_event(&talk, "*say #rush me one XtwoZ");
	leave();
}

Test(programs_chat_client, a_key_of_the_users_own_is_known)
{
	struct folder folder;
	char path[FOLDER_PATH_SIZE], home[FOLDER_PATH_SIZE + sizeof("HOME=")];

	folder_init(&folder);
	folder_file(&folder, ".editrc", path);
	FILE *file = fopen(path, "w");
	cr_assert_not_null(file);
	fputs("bind '\\e[15~' ed-move-to-beg\n", file);
	fclose(file);
	snprintf(home, sizeof(home), "HOME=%s", folder.path);
	start_client(home);
	terminal_expect_some(&terminal, "To talk, enter a room");
	terminal_type(&terminal, "b\033[15~a");
	terminal_expect(&terminal, 0, "> ab");
	terminal_finish(&terminal);
	folder_finish(&folder);
}

Test(programs_chat_client, pasted_lines_wait_for_the_users_own_enter)
{
	start_both();
	cr_expect(terminal.marks_pastes);
	terminal_type(&terminal, "x\033[200~one\rtwo\nthree\r\n\033[201~");
	terminal_expect(&terminal, 2, "#rush> xone");
	terminal_expect(&terminal, 1, "two");
	terminal_expect(&terminal, 0, "three");
	cr_expect_eq(terminal_count(&terminal, "Enter sends them, Ctrl-C drops them"), 1);
	talk_say(&talk, "meanwhile");
	terminal_expect_some(&terminal, "#rush <anna> meanwhile");
	terminal_expect(&terminal, 3, "me · #rush · anna · ████████████████ 10 of 10 left");
	cr_expect_eq(terminal_count(&terminal, "<me>"), 0);
	terminal_type(&terminal, "!\r");
	talk_expect_event(&talk, "*say #rush me xone");
	talk_expect_event(&talk, "*say #rush me two");
	talk_expect_event(&talk, "*say #rush me three!");
	terminal_type(&terminal, "\033[A\033[A");
	terminal_expect(&terminal, 0, "#rush> two");
	leave();
}

Test(programs_chat_client, a_paste_can_be_dropped_and_completes_nothing)
{
	start_both();
	terminal_type(&terminal, "\033[200~/bo\trush\r/quit\r\033[201~");
	terminal_expect(&terminal, 1, "#rush> /bo rush");
	terminal_expect(&terminal, 0, "/quit");
	terminal_type(&terminal, "\x03");
	terminal_expect(&terminal, 0, "#rush>");
	terminal_type(&terminal, "whole\r");
	cr_expect_str_eq(talk_expect_event(&talk, "*say "), "*say #rush me whole");
	leave();
}

Test(programs_chat_client, a_paste_without_end_is_no_trap)
{
	start_both();
	terminal_type(&terminal, "ab\033[200~\r"); /* as Enter, when nothing follows */
	talk_expect_event(&talk, "*say #rush me ab");
	terminal_type(&terminal, "c\033[200~lost\x03");
	terminal_type(&terminal, "whole\r");
	talk_expect_event(&talk, "*say #rush me whole");
	leave();
}

Test(programs_chat_client, wide_characters_are_edited_as_what_they_are)
{
	start_both();
	terminal_type(&terminal, "日本語ö");
	terminal_expect(&terminal, 0, "#rush> 日本語ö");
	terminal_type(&terminal, "\033[D\177x"); /* left, backspace */
	terminal_expect(&terminal, 0, "#rush> 日本xö");
	terminal_type(&terminal, "\r");
	talk_expect_event(&talk, "*say #rush me 日本xö");
	leave();
}

Test(programs_chat_client, a_line_longer_than_the_screen_is_wide_survives_lines_and_a_resize)
{
	char text[201];

	start_both();
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	terminal_type(&terminal, text);
	terminal_expect(&terminal, 0, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
	talk_say(&talk, "one");
	terminal_expect_some(&terminal, "#rush <anna> one");
	terminal_expect(&terminal, 3, "me · #rush · anna · ████████████████ 10 of 10 left");
	terminal_resize(&terminal, 30, 120);
	talk_say(&talk, "two");
	terminal_expect_some(&terminal, "#rush <anna> two");
	terminal_expect(&terminal, 2, "me · #rush · anna · ████████████████ 10 of 10 left");
	terminal_resize(&terminal, 30, 50);
	talk_say(&talk, "three");
	terminal_expect_some(&terminal, "#rush <anna> three");
	terminal_expect(&terminal, 5, "me · #rush · anna · 10 of 10 left");
	cr_expect_eq(terminal_count(&terminal, "me · #rush"), 1);
	cr_expect_eq(terminal_count(&terminal, "#rush <anna> one"), 1);
	cr_expect_eq(terminal_count(&terminal, "#rush <anna> two"), 1);
	terminal_type(&terminal, "\r");
	talk_expect_event(&talk, "*say #rush me xxxx");
	leave();
}

Test(programs_chat_client, tab_completes_commands_rooms_nicks_and_events)
{
	start_both();
	terminal_type(&terminal, "/bo\t");
	terminal_expect(&terminal, 0, "#rush> /book");
	terminal_type(&terminal, "r\t");
	terminal_expect(&terminal, 0, "#rush> /book rush");
	terminal_type(&terminal, "\025/te\ta\t"); /* Ctrl-U */
	terminal_expect(&terminal, 0, "#rush> /tell anna");
	terminal_type(&terminal, "\025/join #r\t");
	terminal_expect(&terminal, 0, "#rush> /join #rush");
	terminal_type(&terminal, "\025/h\t");
	terminal_expect(&terminal, 2, "/help     /history  /hold");
	terminal_expect(&terminal, 0, "#rush> /h");
	leave();
}

static bool tab_gives(const char *shown)
{
	terminal_type(&terminal, "\t");
	terminal_look(&terminal);
	return terminal_count(&terminal, shown) > 0;
}

Test(programs_chat_client, tab_learns_of_rooms_that_were_made_since)
{
	start_both();
	talk_ask(&talk, "/join #tearoom", "+join #tearoom 1");
	terminal_type(&terminal, "/join #t");
	cr_expect(eventually(tab_gives("#rush> /join #tearoom")));
	leave();
}

Test(programs_chat_client, what_was_typed_before_comes_back_but_no_password)
{
	start_both();
	terminal_type(&terminal, "/ping one\r/op secret\r");
	terminal_expect_some(&terminal, "pong one");
	terminal_expect_some(&terminal, "! DENIED");
	cr_expect_eq(terminal_count(&terminal, "secret"), 0);
	terminal_type(&terminal, "\033[A");
	terminal_expect(&terminal, 0, "#rush> /ping one");
	leave();
}

Test(programs_chat_client, control_c_drops_the_line_and_then_says_how_to_leave)
{
	start_both();
	terminal_type(&terminal, "half a line");
	terminal_expect(&terminal, 0, "#rush> half a line");
	terminal_type(&terminal, "\x03");
	terminal_expect(&terminal, 0, "#rush>");
	terminal_type(&terminal, "\x03");
	terminal_expect(&terminal, 2, "(Ctrl-D or /quit leaves)");
	terminal_type(&terminal, "whole\r");
	talk_expect_event(&talk, "*say #rush me whole");
	leave();
}

Test(programs_chat_client, sales_shrink_the_bar)
{
	start_both();
	talk_ask(&talk, "/book rush 5", "+booked");
	terminal_expect(&terminal, 1, "me · #rush · anna · ████████········ 5 of 10 left");
	leave();
}

Test(programs_chat_client, after_a_restart_nick_and_rooms_are_as_before_and_the_line_too)
{
	start_both();
	terminal_type(&terminal, "/join #go\r");
	terminal_expect(&terminal, 0, "#go>");
	terminal_type(&terminal, "half a");
	terminal_expect(&terminal, 0, "#go> half a");
	cr_assert_eq(turnstiled_stop(&server), 0);
	talk_close(&talk);
	terminal_expect_some(&terminal, "The connection is lost");
	terminal_type(&terminal, " li");
	terminal_expect(&terminal, 0, "#go> half a li");
	serve();
	terminal_expect_some(&terminal, "You are me again");
	terminal_expect(&terminal, 1, "me · #go · nobody else here");
	talk_open_greeted(&talk, server.lines_port);
	talk_ask(&talk, "/join #go", "+join #go 2");
	terminal_type(&terminal, "ne\r");
	talk_expect_event(&talk, "*say #go me half a line");
	talk_ask(&talk, "/join #rush", "+join #rush 2");
	leave();
}

/* ECHO shows that the line was taken: in the prompt's row there is no space before the '>'. */
static void book_and_kill(const char *booking, const char *echo, const char *answer,
			  const char *left, const char *status)
{
	terminal_type(&terminal, booking);
	terminal_expect_some(&terminal, echo);
	turnstiled_kill(&server);
	talk_close(&talk);
	serve();
	terminal_expect_some(&terminal, answer);
	talk_open_greeted(&talk, server.lines_port);
	talk_ask(&talk, "/left rush", left);
	terminal_expect_some(&terminal, status);
}

Test(programs_chat_client, a_booking_in_which_the_server_is_killed_is_sold_once)
{
	start_both();
	book_and_kill("/book rush 2\r", " > /book rush 2", "booked: 2 for rush", "+left rush 8 10",
		      "me · #rush · nobody else here · ████████████▊··· 8 of 10 left");
	book_and_kill("/hold rush 3\r", " > /hold rush 3", ": 3 for rush", "+left rush 5 10",
		      "me · #rush · nobody else here · ████████········ 5 of 10 left");
	leave();
}

/* Stands between client and server, and can keep an answer to itself. */
struct relay {
	int listener;
	struct talk client, server;
};

static void relay_init(struct relay *relay, char port[16])
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(address);

	relay->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(bind(relay->listener, (struct sockaddr *)&address, sizeof(address)), 0);
	cr_assert_eq(listen(relay->listener, 1), 0);
	cr_assert_eq(getsockname(relay->listener, (struct sockaddr *)&address, &length), 0);
	snprintf(port, 16, "%u", ntohs(address.sin_port));
}

static void relay_connect(struct relay *relay)
{
	struct pollfd polled = { .fd = relay->listener, .events = POLLIN };

	cr_assert_eq(poll(&polled, 1, (int)(TALK_TIMEOUT_NS / NS_PER_MS)), 1);
	memset(&relay->client, 0, sizeof(relay->client));
	relay->client.descriptor = accept4(relay->listener, NULL, NULL, SOCK_CLOEXEC);
	talk_open(&relay->server, server.lines_port);
}

static void relay_close(struct relay *relay)
{
	talk_close(&relay->client);
	talk_close(&relay->server);
}

static bool has_line(const struct talk *side)
{
	return memchr(side->bytes + side->start, '\n', side->end - side->start) != NULL;
}

static void relay_wait(struct relay *relay)
{
	struct pollfd polled[] = { { .fd = relay->client.descriptor, .events = POLLIN },
				   { .fd = relay->server.descriptor, .events = POLLIN } };

	if (!has_line(&relay->client) && !has_line(&relay->server)) {
		cr_assert_gt(poll(polled, 2, (int)(TALK_TIMEOUT_NS / NS_PER_MS)), 0);
	}
	relay->client.line[0] = '\0';
	relay->server.line[0] = '\0';
	if (has_line(&relay->client) || (polled[0].revents & POLLIN) != 0) {
		talk_line(&relay->client);
	}
	if (has_line(&relay->server) || (polled[1].revents & POLLIN) != 0) {
		talk_line(&relay->server);
	}
}

/* Carries lines until the server says one that begins with TEXT, which goes no further. */
static void relay_until(struct relay *relay, const char *text)
{
	for (;;) {
		relay_wait(relay);
		if (relay->client.line[0] != '\0') {
			talk_say(&relay->server, "%s", relay->client.line);
		}
		if (strncmp(relay->server.line, text, strlen(text)) == 0) {
			return;
		}
		if (relay->server.line[0] != '\0') {
			talk_say(&relay->client, "%s", relay->server.line);
		}
	}
}

Test(programs_chat_client, a_booking_whose_answer_was_lost_is_asked_for_again_and_sold_once)
{
	static struct relay relay;
	char port[16], shown[64], code[20];

	relay_init(&relay, port);
	start_client_at(port, "LC_ALL=C.UTF-8");
	terminal_type(&terminal, "/book rush\r");
	relay_connect(&relay);
	relay_until(&relay, "+booked ");
	snprintf(code, sizeof(code), "%.19s", relay.server.line + strlen("+booked "));
	relay_close(&relay);
	relay_connect(&relay);
	relay_until(&relay, "+booked ");
	talk_say(&relay.client, "%s", relay.server.line);
	snprintf(shown, sizeof(shown), "booked: 1 for rush, code %s", code);
	terminal_expect_some(&terminal, shown);
	talk_open_greeted(&talk, server.lines_port);
	talk_ask(&talk, "/left rush", "+left rush 9 10");
	close(relay.listener);
}

Test(programs_chat_client, the_reason_of_a_refusal_cannot_drive_the_terminal)
{
	static struct relay relay;
	char port[16];

	relay_init(&relay, port);
	start_client_at(port, "LC_ALL=C.UTF-8");
	relay_connect(&relay);
	relay_until(&relay, "+turnstile 1");
	talk_say(&relay.client, "%s", relay.server.line);
	relay_until(&relay, "+where ");
	relay_close(&relay);
	relay_connect(&relay);
	talk_say(&relay.client, "-BUSY a\033b\tc");
	terminal_expect_some(&terminal, "turns us away: BUSY a\xEF\xBF\xBD"
					"b c");
	relay_close(&relay);
	close(relay.listener);
}

Test(programs_chat_client, what_send_prints_on_a_terminal_cannot_drive_it)
{
	static struct relay relay;
	char port[16], program[] = TURNSTILE, option[] = "--port", send[] = "send",
		       line[] = "/ping";
	char *argv[] = { program, option, port, send, line, NULL };
	const char *const environment[] = { "LC_ALL=C.UTF-8", NULL };

	relay_init(&relay, port);
	terminal_start(&terminal, argv, environment, ROWS, COLUMNS);
	relay_connect(&relay);
	talk_say(&relay.client, "+turnstile 1");
	talk_line(&relay.client);
	talk_say(&relay.client, "+pong a\033b");
	terminal_expect_some(&terminal, "+pong a\xEF\xBF\xBD"
					"b");
	relay_close(&relay);
	close(relay.listener);
	cr_expect_eq(terminal_join(&terminal), 0);
}

Test(programs_chat_client, without_colours_there_are_none)
{
	start_client("NO_COLOR=1");
	terminal_expect_some(&terminal, "To talk, enter a room");
	cr_expect_not(terminal.saw_colour);
	terminal_finish(&terminal);
	start_client("NO_COLOR=");
	terminal_expect_some(&terminal, "To talk, enter a room");
	cr_expect(terminal.saw_colour);
}

Test(programs_chat_client, a_dumb_terminal_gets_lines_alone)
{
	start_client("TERM=dumb");
	terminal_expect_some(&terminal, "Connected to 127.0.0.1");
	terminal_type(&terminal, "/ping one\n");
	terminal_expect_some(&terminal, "pong one");
	cr_expect_not(terminal.saw_colour);
	terminal_type(&terminal, "\x04");
	cr_expect_eq(terminal_join(&terminal), 0);
}

Test(programs_chat_client, an_unknown_terminal_is_taken_for_an_xterm)
{
	start_client("TERM=no-such-terminal");
	terminal_expect_some(&terminal, "To talk, enter a room");
	terminal_type(&terminal, "ac\033[Db");
	terminal_expect(&terminal, 0, "> abc");
	cr_expect_eq(terminal_count(&terminal, "no-such-terminal"), 0);
}

Test(programs_chat_client, control_z_stops_it_and_the_line_is_there_when_it_goes_on)
{
	int status;

	start_both();
	terminal_type(&terminal, "half");
	terminal_expect(&terminal, 0, "#rush> half");
	terminal_type(&terminal, "\x1A");
	cr_assert(eventually(waitpid(terminal.child.pid, &status, WUNTRACED | WNOHANG) > 0));
	cr_assert(WIFSTOPPED(status));
	talk_say(&talk, "meanwhile");
	child_go_on(&terminal.child);
	terminal_expect_some(&terminal, "#rush <anna> meanwhile");
	terminal_type(&terminal, " a line");
	terminal_expect(&terminal, 0, "#rush> half a line");
	leave();
}

Test(programs_chat_client, the_terminal_is_left_as_it_was_found)
{
	struct termios during, after;

	start_client("NO_COLOR=1");
	terminal_expect_some(&terminal, "To talk, enter a room");
	cr_assert_eq(tcgetattr(terminal.descriptor, &during), 0);
	cr_expect_eq(during.c_lflag & (ECHO | ICANON), 0);
	cr_assert_eq(kill(terminal.child.pid, SIGTERM), 0);
	cr_expect_eq(terminal_join(&terminal), 0);
	cr_assert_eq(tcgetattr(terminal.descriptor, &after), 0);
	cr_expect_eq(after.c_lflag & (ECHO | ICANON), (tcflag_t)(ECHO | ICANON));
	cr_expect_not(terminal.marks_pastes);
	terminal_expect(&terminal, 0, "");
}

Test(programs_chat_client, the_locale_need_not_be_one_of_utf_8)
{
	start_client("LC_ALL=C");
	terminal_expect_some(&terminal, "To talk, enter a room");
	terminal_type(&terminal, "/nick Ärmel\r/join #日本\r");
	terminal_expect(&terminal, 1, "Ärmel · #日本 · nobody else here");
	terminal_expect(&terminal, 0, "#日本>");
}
