/*
 * A worker is killed at each step of its turn: its successor goes on with the sessions, and what
 * it makes of them is compared with what their peers were told.
 *
 * The worker is a core without a process, which a child serves with and is killed; the test is its
 * successor. The connections are TCP's, since it is the kernel that knows how far they have come.
 */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/booking/boxoffice.h"
#include "server/http/http.h"
#include "server/lines/lines.h"
#include "server/process/core.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"
#include "tests/support/child.h"

#define TURNS       3
#define PEOPLE      3
#define STREAM_SIZE (16 * 1024) /* bytes */

static struct options options = { .workers = 1,
				  .max_connections = 8,
				  .history = 10,
				  .adopt = true,
				  .send_queue_bytes = 1 << 20,
				  .operator_password = "open sesame" };
static struct shared_state shared;
static struct core first, next; /* the worker, and its successor */
static int listener;
static int clients[PEOPLE] = { -1, -1, -1 }, servers[PEOPLE] = { -1, -1, -1 };
static char heard[PEOPLE][STREAM_SIZE]; /* what the peers read from when the worker was killed on */

enum { ANN, BOB, CARL };

/* Connections */

static void listen_somewhere(void)
{
	const struct sockaddr_in any = { .sin_family = AF_INET,
					 .sin_addr = { htonl(INADDR_LOOPBACK) } };

	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(bind(listener, (const struct sockaddr *)&any, sizeof(any)), 0);
	cr_assert_eq(listen(listener, PEOPLE), 0);
}

static void connect_one(int i)
{
	struct sockaddr_in address;
	socklen_t length = sizeof(address);

	cr_assert_eq(getsockname(listener, (struct sockaddr *)&address, &length), 0);
	clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(connect(clients[i], (struct sockaddr *)&address, length), 0);
	cr_assert_eq(fcntl(clients[i], F_SETFL, O_NONBLOCK), 0);
	servers[i] = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	cr_assert_geq(servers[i], 0);
}

static void send_in(int i, const char *text)
{
	cr_assert_eq(write(clients[i], text, strlen(text)), (ssize_t)strlen(text));
}

/* What has come behind what is there already. */
static void hear(int i)
{
	size_t length = strlen(heard[i]);
	ssize_t count;

	while ((count = read(clients[i], heard[i] + length, STREAM_SIZE - 1 - length)) > 0) {
		length += (size_t)count;
		heard[i][length] = '\0';
	}
}

/* Serving */

static void take_turns(struct core *core)
{
	for (int i = 0; i < TURNS; i++) {
		turn_forget_time(&core->turn);
		(void)event_base_loop(core->turn.base, EVLOOP_NONBLOCK);
		core_turn(core);
	}
}

static int serve(void *unused)
{
	(void)unused;
	take_turns(&first);
	return 0;
}

static void start(struct core *core)
{
	memset(core, 0, sizeof(*core));
	core_init(core, &shared, 0);
	core->turn.base = event_base_new();
}

static void forget(struct core *core)
{
	if (core->turn.base) {
		event_base_free(core->turn.base);
		core_finish(core);
		core->turn.base = NULL;
	}
}

static void close_all(void)
{
	for (int i = 0; i < PEOPLE; i++) {
		close(clients[i]);
		close(servers[i]);
	}
	for (uint32_t seat = 0; next.turn.base && seat < options.max_connections; seat++) {
		const struct session *session = next.turn.sessions->table[seat];

		if (session && session->state != SESSION_ENDED) {
			close(session->socket);
		}
	}
}

static void forget_all(void)
{
	if (first.turn.base) {
		close_all();
		forget(&next);
		forget(&first);
		shared_state_finish(&shared);
	}
}

/* Ann, bob and carl are there, and in #r. */
static void open_all(void)
{
	static const char *const words[PEOPLE] = { "/nick ann\n/join #r\n", "/nick bob\n/join #r\n",
						   "/nick carl\n/join #r\n" };

	forget_all();
	shared_state_init(&shared, &options);
	start(&first);
	for (int i = 0; i < PEOPLE; i++) {
		connect_one(i);
		(void)session_open(&first.turn, &lines_front,
				   &(struct session_socket){ .descriptor = servers[i],
							     .kind = LISTENER_LINES });
		send_in(i, words[i]);
		take_turns(&first);
	}
	for (int i = 0; i < PEOPLE; i++) {
		hear(i);
		heard[i][0] = '\0';
	}
}

/* The successor has the master's copies. */
static void succeed(void)
{
	int sockets[8];

	memset(sockets, -1, sizeof(sockets));
	for (int i = 0; i < PEOPLE; i++) {
		sockets[i] = dup(servers[i]);
		cr_assert_geq(sockets[i], 0);
	}
	start(&next);
	core_keep(&next, sockets);
	(void)core_adopt(&next, sockets);
	take_turns(&next);
	for (int i = 0; i < PEOPLE; i++) {
		hear(i);
	}
}

static void init(void)
{
	log_start("test", LOG_ERROR, LOG_TEXT);
	listen_somewhere();
}

static void finish(void)
{
	forget_all();
	close(listener);
}

/*
 * Each step is a hundred there, and two workers in one process are not what it knows of memory: a
 * successor finds what its predecessor gave back.
 */
static void skip_under_sanitizer(void)
{
#ifdef __SANITIZE_ADDRESS__
	cr_skip_test("two workers in one process");
#endif
}

TestSuite(succession, .init = init, .fini = finish, .timeout = 300);

/* Looking */

/* How often LINE is among what I heard. */
static int count_of(int i, const char *line)
{
	const size_t length = strlen(line);
	int count = 0;

	for (const char *at = heard[i]; *at; at = strchr(at, '\n') + 1) {
		cr_assert_not_null(strchr(at, '\n'), "half a line: '%s'", at);
		count += strncmp(at, line, length) == 0 && at[length] == '\n';
	}
	return count;
}

static bool is_interrupted(const char *reply)
{
	return strncmp(reply, "-INTERRUPTED ", strlen("-INTERRUPTED ")) == 0;
}

/* Takes the next reply off AT; what others said stands between. */
static const char *next_reply(char **at)
{
	char *line;

	do {
		char *end = strchr(*at, '\n');

		cr_assert_not_null(end, "a reply is missing behind '%s'", heard[ANN]);
		line = *at;
		*end = '\0';
		*at = end + 1;
	} while (*line == '*');
	return line;
}

/* What was said was heard once if it was answered so, at most once if nobody can know. */
static void expect_heard(const char *line, bool known)
{
	const int count = count_of(BOB, line);

	cr_assert(count == 1 || (!known && count == 0), "'%s' was heard %d times: %s", line, count,
		  heard[BOB]);
}

/* Commands */

struct command {
	const char *line, *reply;
	const char *heard; /* by bob, if it was done; NICK stands for who says it */
};

#define COMMANDS 5

static const struct command speaking[COMMANDS] = {
	{ "/ping 1", "+pong 1", NULL },
	{ "/nick ann2", "+nick ann2", "*nick ann ann2" },
	{ "/say #r one", "+say #r", "*say #r NICK one" },
	{ "/tell bob two", "+tell bob", "*tell NICK two" },
	{ "/ping last", "+pong last", NULL },
};

static const struct command ruling[COMMANDS] = {
	{ "/say #r one", "+say #r", "*say #r NICK one" },
	{ "/op open sesame", "+op", NULL },
	{ "/mute bob 60", "+mute bob 60", "*notice NICK muted you for 60 seconds" },
	{ "/say #r two", "+say #r", "*say #r NICK two" },
	{ "/ping last", "+pong last", NULL },
};

static const struct command *script; /* one of them */

static bool is_at(size_t i, const char *line)
{
	return i < COMMANDS && strcmp(script[i].line, line) == 0;
}

/* All but the last letters of the last line. */
static void say_all(void)
{
	char text[STREAM_SIZE] = "";

	open_all();
	for (size_t i = 0; i < COMMANDS; i++) {
		strcat(strcat(text, script[i].line), "\n");
	}
	text[strlen(text) - strlen("st\n")] = '\0';
	send_in(ANN, text);
}

static void expect_line(const char *line, const char *nick, bool known)
{
	const char *place = strstr(line, "NICK");
	char text[256];

	if (place) {
		snprintf(text, sizeof(text), "%.*s%s%s", (int)(place - line), line, nick,
			 place + strlen("NICK"));
	} else {
		snprintf(text, sizeof(text), "%s", line);
	}
	expect_heard(text, known);
}

static bool finds(const char *nick)
{
	struct address where;

	cr_assert(directory_try(shared.directory));
	bool found = directory_find(shared.directory, span_of(nick), &where) && where.seat == ANN;

	directory_unlock(shared.directory);
	return found;
}

/* The one that was interrupted may have left what another stands on undone. */
static bool stands_on(size_t i, size_t interrupted)
{
	return is_at(i, "/mute bob 60") && is_at(interrupted, "/op open sesame");
}

static void see_that_it_is_as_was_said(const struct child *dead)
{
	size_t interrupted = COMMANDS;
	const char *replies[COMMANDS];
	char *at = heard[ANN];

	(void)dead;
	succeed();
	send_in(ANN, "st\n");
	take_turns(&next);
	hear(ANN);
	for (size_t i = 0; i < COMMANDS; i++) {
		replies[i] = next_reply(&at);
		if (is_interrupted(replies[i])) {
			cr_assert_eq(interrupted, COMMANDS, "at most one is interrupted");
			interrupted = i;
		} else if (!stands_on(i, interrupted)) {
			cr_assert_str_eq(replies[i], script[i].reply);
		}
	}
	cr_assert_eq(*at, '\0', "behind all replies came '%s'", at);

	const struct session *session = next.turn.sessions->table[ANN];
	const char *nick = session->seat->nick;
	const bool renames = script == speaking;

	cr_assert_neq(finds("ann"), finds("ann2"));
	cr_assert(finds(nick));
	cr_assert(is_at(interrupted, "/nick ann2") || finds(renames ? "ann2" : "ann"));
	cr_assert_eq(session->seat->room_count, 1);
	cr_assert(session->operator_role != renames || is_at(interrupted, "/op open sesame"));
	for (size_t i = 0; i < COMMANDS; i++) {
		if (script[i].heard) {
			expect_line(script[i].heard, nick,
				    i != interrupted && !stands_on(i, interrupted));
		}
	}
	send_in(BOB, "may I?\n");
	take_turns(&next);
	hear(BOB);
	cr_assert((strstr(heard[BOB], "-DENIED ") != NULL) != renames ||
		  is_at(interrupted, "/op open sesame") || is_at(interrupted, "/mute bob 60"));
}

Test(succession, killed_at_any_step_of_what_one_says_it_is_as_the_answers_say)
{
	skip_under_sanitizer();
	script = speaking;
	child_kill_everywhere(serve, say_all, see_that_it_is_as_was_said);
}

Test(succession, killed_at_any_step_of_what_an_operator_does_it_is_as_the_answers_say)
{
	skip_under_sanitizer();
	script = ruling;
	child_kill_everywhere(serve, say_all, see_that_it_is_as_was_said);
}

/* Requests over HTTP */

static uint16_t port_of(int socket)
{
	struct sockaddr_in address;
	socklen_t length = sizeof(address);

	cr_assert_eq(getsockname(socket, (struct sockaddr *)&address, &length), 0);
	return ntohs(address.sin_port);
}

/* Carl is one over HTTP. */
static void ask_over_http(void)
{
	char requests[512];

	open_all();
	close(clients[CARL]);
	take_turns(&first); /* its socket is closed, too */
	connect_one(CARL);
	(void)session_open(
		&first.turn, &http_front,
		&(struct session_socket){ .descriptor = servers[CARL], .kind = LISTENER_HTTP });
	snprintf(requests, sizeof(requests),
		 "HEAD /nothing HTTP/1.1\r\nHost: localhost:%u\r\n\r\n"
		 "POST /api/v1/events/rush/bookings HTTP/1.1\r\nHost: localhost:%u\r\n"
		 "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
		 port_of(servers[CARL]), port_of(servers[CARL]));
	send_in(CARL, requests);
}

/* In the clerk's place: what was asked for is answered. */
static void answer_what_was_asked(void)
{
	struct booking_ring *ring = &shared.queue->rings[0];

	for (uint64_t i = ring->answered; i < ring->submitted; i++) {
		ring->slots[i].answer = (struct booking_answer){ .outcome = BOOKING_DONE,
								 .code = "7K3M-Q2XW-9FTA-0BHJ",
								 .event = "rush",
								 .quantity = 1 };
	}
	atomic_store(&ring->answered, ring->submitted);
}

static void see_one_answer_each(const struct child *dead)
{
	const char *head = heard[CARL];
	const char *post;

	(void)dead;
	succeed();
	answer_what_was_asked();
	take_turns(&next);
	hear(CARL);
	cr_assert_eq(strncmp(head, "HTTP/1.1 404 ", 13), 0, "%s", head);
	post = strstr(head, "\r\n\r\n");
	cr_assert_not_null(post);
	cr_assert_eq(strncmp(post + 4, "HTTP/1.1 201 ", 13), 0, "%s", head);
	cr_assert_not_null(strstr(post + 4, "\r\n\r\n{\"code\""), "%s", head);
	cr_assert_null(strstr(post + 5, "HTTP/1.1"), "%s", head);
	cr_assert_eq(shared.queue->rings[0].submitted, 1);
}

Test(succession, killed_at_any_step_of_requests_over_http_each_is_answered_once)
{
	skip_under_sanitizer();
	child_kill_everywhere(serve, ask_over_http, see_one_answer_each);
}

/* An end */

static void end_carl(void)
{
	open_all();
	directory_seat(shared.directory, 0, CARL)->has_ties = true;
	close(clients[CARL]);
	clients[CARL] = -1;
}

/* Whether what is tied to that session is to be given back. */
static bool is_given_back(uint64_t session)
{
	const struct booking_ring *ring = &shared.queue->rings[0];

	for (uint64_t i = 0; i < ring->submitted; i++) {
		const struct booking_request *request = &ring->slots[i].request;

		if (request->verb == BOOKING_RELEASE && request->client.session == session) {
			return true;
		}
	}
	return false;
}

static void note_seat(void *context, uint32_t worker, uint32_t seat)
{
	(void)worker;
	*(bool *)context |= seat == CARL;
}

/* The master is told that its copy of the connection has nobody any more. */
static bool is_closed(void)
{
	bool closed = false;

	streams_each_closed(shared.streams, 0, note_seat, &closed);
	return closed;
}

static void see_that_carl_is_gone(const struct child *dead)
{
	const uint64_t number = first.turn.sessions->table[CARL]->number;
	struct address where;

	(void)dead;
	succeed();
	cr_assert_null(next.turn.sessions->table[CARL]);
	cr_assert_eq(directory_seat(shared.directory, 0, CARL)->session, 0);
	cr_assert(directory_try(shared.directory));
	cr_assert_not(directory_find(shared.directory, span_of("carl"), &where));
	directory_unlock(shared.directory);
	cr_assert(is_closed());
	cr_assert(is_given_back(number), "what was tied to it is given back");
	cr_assert_eq(count_of(BOB, "*part #r carl"), 1, "bob heard: %s", heard[BOB]);
	send_in(BOB, "/who #r\n");
	take_turns(&next);
	hear(BOB);
	cr_assert_eq(count_of(BOB, "+who 2"), 1, "%s", heard[BOB]);
}

Test(succession, killed_at_any_step_of_an_end_all_is_given_back_and_told_once)
{
	skip_under_sanitizer();
	child_kill_everywhere(serve, end_carl, see_that_carl_is_gone);
}

/* Answers of the clerk's */

static void answer_ann(void)
{
	struct booking_ring *ring;

	open_all();
	ring = &shared.queue->rings[0];
	send_in(ANN, "/book rush\n/book rush 2\n");
	take_turns(&first);
	cr_assert_eq(ring->submitted, 2);
	for (size_t i = 0; i < 2; i++) {
		ring->slots[i].answer = (struct booking_answer){ .outcome = BOOKING_DONE,
								 .code = "7K3M-Q2XW-9FTA-0BHJ",
								 .event = "rush",
								 .quantity = (int64_t)i + 1 };
	}
	atomic_store(&ring->answered, 2);
}

static void see_both_answers(const struct child *dead)
{
	(void)dead;
	succeed();
	cr_assert_str_eq(heard[ANN], "+booked 7K3M-Q2XW-9FTA-0BHJ rush 1\n"
				     "+booked 7K3M-Q2XW-9FTA-0BHJ rush 2\n");
	send_in(ANN, "/ping\n");
	take_turns(&next);
	hear(ANN);
	cr_assert_eq(count_of(ANN, "+pong"), 1, "%s", heard[ANN]);
}

Test(succession, killed_at_any_step_of_an_answer_it_is_given_once)
{
	skip_under_sanitizer();
	child_kill_everywhere(serve, answer_ann, see_both_answers);
}
