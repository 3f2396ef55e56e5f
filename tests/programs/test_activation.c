#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/server.h"
#include "tests/support/talk.h"

static struct turnstiled server;

static void start_over(void)
{
	turnstiled_init(&server, TURNSTILED);
}

static void finish(void)
{
	turnstiled_finish(&server);
}

TestSuite(activation, .init = start_over, .fini = finish);

/* A socket as a service manager's, on a port of the system's choice. */
static int open_listener(void)
{
	const struct sockaddr_in address = { .sin_family = AF_INET,
					     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert_geq(listener, 0);
	cr_assert_eq(bind(listener, (const struct sockaddr *)&address, sizeof(address)), 0);
	cr_assert_eq(listen(listener, 16), 0);
	return listener;
}

static uint16_t port_of(int descriptor)
{
	struct sockaddr_in address;
	socklen_t length = sizeof(address);

	cr_assert_eq(getsockname(descriptor, (struct sockaddr *)&address, &length), 0);
	return ntohs(address.sin_port);
}

static void expect_upper(uint16_t port)
{
	static struct talk talk;
	char answer[5];

	talk_open(&talk, port);
	talk_write(&talk, "hello", 5);
	talk_read(&talk, answer, sizeof(answer));
	cr_expect_arr_eq(answer, "HELLO", sizeof(answer));
	talk_close(&talk);
}

static void expect_chat(uint16_t port)
{
	static struct talk ada, bob;

	talk_open_greeted(&ada, port);
	talk_open_greeted(&bob, port);
	talk_ask(&ada, "/join #tea", "+join #tea 1");
	talk_ask(&bob, "/join #tea", "+join #tea 2");
	talk_say(&bob, "good morning");
	talk_expect_start(&ada, "*join #tea ");
	talk_expect_start(&ada, "*say #tea ");
	talk_close(&ada);
	talk_close(&bob);
}

/* Lines and echo are passed, and are all that is served. */
static void expect_both_served(const char *dispatch)
{
	int lines = open_listener();
	int echo = open_listener();

	turnstiled_pass(&server, lines, "lines");
	turnstiled_pass(&server, echo, "echo");
	turnstiled_start(&server, "--workers", "2", "--dispatch", dispatch);
	cr_expect_eq(server.lines_port, port_of(lines));
	cr_expect_eq(server.echo_port, port_of(echo));
	expect_chat(port_of(lines));
	expect_upper(port_of(echo));
	cr_expect_eq(turnstiled_stop(&server), 0);
}

Test(activation, sockets_that_are_passed_are_served_by_their_names_in_place_of_the_defaults)
{
	expect_both_served("handoff");
}

Test(activation, workers_that_accept_by_themselves_accept_from_them_too)
{
	expect_both_served("accept");
}

Test(activation, one_without_a_name_of_its_own_serves_lines)
{
	int listener = open_listener();

	turnstiled_pass(&server, listener, NULL);
	turnstiled_start(&server, "--workers", "1");
	expect_chat(port_of(listener));
	cr_expect_eq(turnstiled_stop(&server), 0);
	snprintf(server.passed_names, sizeof(server.passed_names), "turnstiled.socket");
	turnstiled_start(&server, "--workers", "1");
	expect_chat(port_of(listener));
	cr_expect_eq(turnstiled_stop(&server), 0);
}

Test(activation, who_connected_before_the_server_started_is_greeted)
{
	static struct talk early;
	int listener = open_listener();

	talk_open(&early, port_of(listener));
	talk_say(&early, "/ping before");
	turnstiled_pass(&server, listener, "lines");
	turnstiled_start(&server, "--workers", "1");
	talk_expect_start(&early, "+turnstile 1 ");
	talk_expect(&early, "+pong before");
	talk_close(&early);
	cr_expect_eq(turnstiled_stop(&server), 0);
}

Test(activation, who_connects_while_it_is_down_is_greeted_by_the_next_one)
{
	static struct talk patient;
	int listener = open_listener();

	turnstiled_pass(&server, listener, "lines");
	turnstiled_start(&server, "--workers", "1");
	cr_expect_eq(turnstiled_stop(&server), 0);
	talk_open(&patient, port_of(listener));
	turnstiled_start(&server, "--workers", "1");
	talk_expect_start(&patient, "+turnstile 1 ");
	talk_close(&patient);
	turnstiled_kill(&server);
	talk_open(&patient, port_of(listener));
	turnstiled_start(&server, "--workers", "1");
	talk_expect_start(&patient, "+turnstile 1 ");
	talk_close(&patient);
}

Test(activation, what_listen_asks_for_is_served_beside_them)
{
	int lines = open_listener();

	turnstiled_pass(&server, lines, "lines");
	turnstiled_start(&server, "--workers", "1", "--listen", "echo:127.0.0.1:0");
	cr_expect_eq(server.lines_port, port_of(lines));
	cr_expect_neq(server.echo_port, 0);
	expect_chat(port_of(lines));
	expect_upper(server.echo_port);
	cr_expect_eq(turnstiled_stop(&server), 0);
}

Test(activation, listen_with_the_place_of_one_that_was_passed_means_that_one)
{
	char listen[64];
	int lines = open_listener();

	turnstiled_pass(&server, lines, "lines");
	snprintf(listen, sizeof(listen), "lines:127.0.0.1:%u", port_of(lines));
	turnstiled_start(&server, "--workers", "1", "--listen", listen);
	expect_chat(port_of(lines));
	cr_expect_eq(turnstiled_stop(&server), 0);
}

Test(activation, sockets_for_another_process_are_left_alone)
{
	char pid[16];
	struct pollfd waiting = { .fd = open_listener(), .events = POLLIN };
	static struct talk talk;

	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", "1", 1);
	turnstiled_start(&server, "--workers", "1");
	cr_expect_neq(server.lines_port, port_of(waiting.fd));
	expect_chat(server.lines_port);
	talk_open(&talk, port_of(waiting.fd));
	cr_expect_eq(poll(&waiting, 1, 0), 1);
	cr_expect_eq(turnstiled_stop(&server), 0);
}

/* What /proc says of the master's first descriptor after the standard ones. */
static unsigned flags_of_passed(void)
{
	char path[64];
	unsigned flags = 0;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/3", (int)server.pid);
	FILE *file = fopen(path, "re");
	cr_assert_not_null(file);
	cr_assert_eq(fscanf(file, "pos: %*d flags: %o", &flags), 1);
	fclose(file);
	return flags;
}

Test(activation, they_are_set_up_as_those_that_the_server_opens)
{
	int listener = open_listener();
	int no_delay = 0;
	socklen_t length = sizeof(no_delay);

	turnstiled_pass(&server, listener, "lines");
	turnstiled_start(&server, "--workers", "1");
	cr_expect_eq(getsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &no_delay, &length), 0);
	cr_expect_eq(no_delay, 1);
	cr_expect(flags_of_passed() & O_NONBLOCK);
	cr_expect(flags_of_passed() & O_CLOEXEC);
	cr_expect_eq(turnstiled_stop(&server), 0);
}

Test(activation, the_server_that_becomes_another_user_serves_them_too)
{
	int listener = open_listener();

	if (geteuid() != 0) {
		cr_skip_test("only root may become another user");
	}
	cr_assert_eq(chmod(server.folder.path, 0777), 0);
	turnstiled_pass(&server, listener, "lines");
	turnstiled_start(&server, "--workers", "1", "--user", "nobody");
	expect_chat(port_of(listener));
	cr_expect_eq(turnstiled_stop(&server), 0);
}
