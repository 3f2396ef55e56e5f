/*
 * Connections outlive the worker that serves them.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>

#include "shared/base/clock.h"
#include "tests/programs/office.h"
#include "tests/programs/watch.h"
#include "tests/support/child.h"
#include "tests/support/http.h"
#include "tests/support/websocket.h"

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

TestSuite(programs_adopt, .init = init, .fini = finish, .timeout = 120);

static void kill_worker_of(struct talk *talk)
{
	pid_t pid;
	pid_t next;

	serving(talk, &pid);
	cr_assert(watch_signal(server.pid, pid, SIGKILL));
	serving(talk, &next);
	cr_expect_neq(pid, next, "another process serves it now");
}

static void who_you_are_and_where_outlives_it(const char *dispatch)
{
	enter_two(&server, dispatch, &ann, &bob);
	become_operator(&ann);
	kill_worker_of(&ann);
	kill_worker_of(&bob);
	kill_worker_of(&ann);
	talk_say(&bob, "good morning");
	talk_expect_event(&ann, "*say #r bob good morning");
	ask(&ann, "+mute bob 0$", "/mute bob 0"); /* an operator still */
	ask(&ann, "+who 2$", "/who #r");
	talk_expect_event(&bob, "*notice ann lets you speak again");
	talk_say(&ann, "and to you"); /* in the room that was current */
	talk_expect_event(&bob, "*say #r ann and to you");
}

Test(programs_adopt, who_you_are_and_where_outlives_it_handoff)
{
	who_you_are_and_where_outlives_it("handoff");
}

Test(programs_adopt, who_you_are_and_where_outlives_it_accept)
{
	who_you_are_and_where_outlives_it("accept");
}

Test(programs_adopt, a_tied_hold_and_a_place_in_the_row_outlive_it)
{
	char code[TICKET_CODE_SIZE];

	enter_two(&server, "handoff", &ann, &bob);
	ask_code(&ann, code, "+held ", "/hold rush 5 tied");
	ask(&bob, "+waiting rush 1 1$", "/wait rush");
	kill_worker_of(&ann);
	kill_worker_of(&bob);
	ask(&ann, "+audit rush 0 5 0 5 ok$", "/audit rush");
	ask(&ann, "+cancelled ", "/cancel %s", code);
	expect_offer(&bob, "rush 1", code);
	kill_worker_of(&bob);
	ask(&bob, "+booked ", "/confirm %s", code);
	talk_close(&bob);
	ask(&ann, "+audit rush 1 0 4 5 ok$", "/audit rush");
}

/* Each, once it has had the time to read what was written. */
static void kill_workers(void)
{
	pid_t children[WATCH_CHILDREN_MAX];
	size_t count = watch_children(server.pid, children);

	clock_sleep(100 * NS_PER_MS);
	for (size_t i = 0; i < count; i++) {
		watch_signal(server.pid, children[i], SIGKILL);
	}
}

Test(programs_adopt, half_a_line_outlives_it)
{
	enter_two(&server, "handoff", &ann, &bob);
	talk_write(&ann, "/say #r half ", 13);
	ask(&bob, "+pong$", "/ping");
	kill_workers();
	talk_write(&ann, "a line\n", 7);
	talk_expect_event(&bob, "*say #r ann half a line");
}

/* Whether another worker than BEFORE is there, with the connection of the one before it. */
static bool goes_on(pid_t before, pid_t *pid)
{
	pid_t pids[WATCH_CHILDREN_MAX];

	if (watch_children(server.pid, pids) != 1 || pids[0] == before) {
		return false;
	}
	*pid = pids[0];
	return before == 0 ||
	       log_has(&server, text_of("(pid %d) goes on with 1 connection", (int)*pid));
}

/* Only input over which worker after worker ends may be at fault. */
Test(programs_adopt, one_who_says_nothing_outlives_any_number_of_workers)
{
	pid_t pid = 0;

	turnstiled_start(&server, "--workers", "1");
	talk_open_greeted(&ann, server.lines_port);
	for (int i = 0; i < 12; i++) {
		const pid_t before = pid;

		cr_assert(eventually(goes_on(before, &pid)));
		cr_assert(watch_signal(server.pid, pid, SIGKILL));
	}
	ask(&ann, "+pong$", "/ping");
}

Test(programs_adopt, what_is_asked_of_a_worker_that_hangs_is_answered_by_the_next)
{
	pid_t pid;

	enter_two(&server, "handoff", &ann, &bob);
	serving(&ann, &pid);
	cr_assert(watch_signal(server.pid, pid, SIGSTOP));
	ask(&ann, "+pong late$", "/ping late");
	ask(&ann, "+who 2$", "/who #r");
}

Test(programs_adopt, an_echo_outlives_it)
{
	char text[6] = "";

	turnstiled_start(&server, "--workers", "1");
	talk_open(&ann, server.echo_port);
	talk_write(&ann, "hello", 5);
	talk_read(&ann, text, 5);
	cr_expect_str_eq(text, "HELLO");
	for (int i = 0; i < 3; i++) {
		pid_t children[WATCH_CHILDREN_MAX];

		cr_assert_eq(watch_children(server.pid, children), 1);
		watch_signal(server.pid, children[0], SIGKILL);
		talk_write(&ann, "again", 5);
		talk_read(&ann, text, 5);
		cr_expect_str_eq(text, "AGAIN");
	}
}

static void write_text(struct talk *talk, const char *text)
{
	talk_write(talk, text, strlen(text));
}

Test(programs_adopt, half_a_request_outlives_it_and_what_it_waits_for)
{
	turnstiled_start(&server, "--workers", "1", "--event", "rush=5");
	talk_open(&ann, server.http_port);
	write_text(&ann, "POST /api/v1/events/rush/boo");
	kill_workers();
	write_text(&ann, text_of("kings HTTP/1.1\r\nHost: localhost:%u\r\nExpect: 100-continue\r\n"
				 "Content-Type: application/json\r\nContent-Length: 14\r\n\r\n",
				 server.http_port));
	talk_expect(&ann, "HTTP/1.1 100 Continue\r");
	talk_expect(&ann, "\r");
	kill_workers();
	write_text(&ann, "{\"quantity\"");
	kill_workers();
	write_text(&ann, ":2}GET /api/v1/events/rush HTTP/1.1\r\n");
	cr_expect_eq(http_receive(&ann, &answer, true), 201);
	cr_expect_not_null(strstr(answer.body, "\"quantity\":2"));
	kill_workers();
	write_text(&ann,
		   text_of("Host: localhost:%u\r\nConnection: close\r\n\r\n", server.http_port));
	cr_expect_eq(http_receive(&ann, &answer, true), 200);
	talk_expect_end(&ann);
}

Test(programs_adopt, requests_that_were_sent_together_are_answered_in_order)
{
	pid_t pid;

	turnstiled_start(&server, "--workers", "1", "--event", "rush=5");
	talk_open_greeted(&bob, server.lines_port);
	talk_open(&ann, server.http_port);
	cr_expect_eq(http_get(&ann, &answer, "/healthz"), 200);
	serving(&bob, &pid);
	cr_assert(watch_signal(server.pid, pid, SIGSTOP));
	http_send(&ann, "POST", "/api/v1/events/rush/bookings", "", "{}");
	http_send(&ann, "GET", "/nothing", "", NULL);
	http_send(&ann, "HEAD", "/api/v1/events/rush", "", NULL);
	http_send(&ann, "GET", "/api/v1/events/rush", "Connection: close\r\n", NULL);
	cr_assert(watch_signal(server.pid, pid, SIGKILL));
	cr_expect_eq(http_receive(&ann, &answer, true), 415);
	cr_expect_eq(http_receive(&ann, &answer, true), 404);
	cr_expect_eq(http_receive(&ann, &answer, false), 200);
	cr_expect_eq(http_receive(&ann, &answer, true), 200);
	talk_expect_end(&ann);
}

Test(programs_adopt, a_websocket_outlives_it_amid_a_frame_and_a_message)
{
	turnstiled_start(&server, "--workers", "1", "--event", "rush=5");
	websocket_open(&ann, server.http_port);
	kill_workers();
	websocket_say(&ann, "/nick ann");
	websocket_expect(&ann, WEBSOCKET_TEXT, "+nick ann");
	websocket_say(&ann, "/join #r");
	websocket_expect(&ann, WEBSOCKET_TEXT, "+join #r 1");
	websocket_send(&ann, WEBSOCKET_TEXT, "/say #r half \xF0\x9F", 15);
	kill_workers();
	websocket_send(&ann, 0x80 | WEBSOCKET_PING, "you", 3);
	websocket_expect(&ann, WEBSOCKET_PONG, "you");
	talk_write(&ann, "\x80\x87zzzz", 6);
	kill_workers();
	talk_write(&ann, "\xE4\xD1\x5A", 3);
	kill_workers();
	talk_open_greeted(&bob, server.lines_port);
	ask(&bob, "+join #r 2$", "/join #r");
	websocket_expect(&ann, WEBSOCKET_TEXT, "*join #r guest-");
	talk_write(&ann, "\x16\x13\x14\x1F", 4);
	websocket_expect(&ann, WEBSOCKET_TEXT, "+say #r");
	talk_expect_event(&bob, "*say #r ann half \xF0\x9F\x9E\xAB line");
	websocket_say(&ann, "/quit");
	websocket_expect(&ann, WEBSOCKET_TEXT, "+bye");
	websocket_expect_close(&ann, 1000);
}

/* The joiner is stopped, so that what is asked of it waits. */
Test(programs_adopt, what_is_being_booked_is_answered_by_the_next)
{
	pid_t children[WATCH_CHILDREN_MAX];
	pid_t worker;

	turnstiled_start(&server, "--workers", "1", "--event", "rush=5", "--serialize", "join");
	talk_open_greeted(&bob, server.lines_port);
	talk_open(&ann, server.http_port);
	serving(&bob, &worker);
	cr_assert_eq(watch_children(server.pid, children), 2);
	pid_t joiner = children[children[0] == worker];

	cr_assert(watch_signal(server.pid, joiner, SIGSTOP));
	http_send(&ann, "POST", "/api/v1/events/rush/bookings", "", NULL);
	http_send(&ann, "GET", "/api/v1/events/rush", "Connection: close\r\n", NULL);
	clock_sleep(100 * NS_PER_MS);
	cr_assert(watch_signal(server.pid, worker, SIGKILL));
	ask(&bob, "+pong$", "/ping");
	cr_assert(watch_signal(server.pid, joiner, SIGCONT));
	cr_expect_eq(http_receive(&ann, &answer, true), 201);
	cr_expect_eq(http_receive(&ann, &answer, true), 200);
	cr_expect_not_null(strstr(answer.body, "\"left\":4,"));
	talk_expect_end(&ann);
}

Test(programs_adopt, half_a_proxy_header_outlives_it)
{
	turnstiled_start(&server, "--workers", "1", "--trust-proxy", "127.0.0.1",
			 "--op-password-file", password_file(&server));
	talk_open(&ann, server.lines_port);
	write_text(&ann, "PROXY TCP4 192.0.");
	kill_workers();
	write_text(&ann, "2.7 127.0.0.1 ");
	kill_workers();
	write_text(&ann, "1 2\r\n");
	talk_expect_start(&ann, "+turnstile 1 ");
	kill_workers();
	become_operator(&ann);
	cr_expect(eventually(log_has(&server, "(192.0.2.7) is an operator now")));
}

Test(programs_adopt, the_copies_of_ended_connections_are_closed)
{
	turnstiled_start(&server, "--workers", "2");
	talk_open_greeted(&ann, server.lines_port);
	const size_t before = watch_descriptors(server.pid);

	for (int i = 0; i < 500; i++) {
		talk_open_greeted(&bob, server.lines_port);
		talk_close(&bob);
	}
	cr_expect(eventually(watch_descriptors(server.pid) <= before));
}

Test(programs_adopt, without_it_connections_end_with_their_worker)
{
	pid_t pid;

	turnstiled_start(&server, "--workers", "2", "--adopt", "off");
	open_on(&ann, server.lines_port, 1);
	serving(&ann, &pid);
	cr_assert(watch_signal(server.pid, pid, SIGKILL));
	talk_expect_end(&ann);
}
