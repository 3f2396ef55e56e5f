#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/capture.h"
#include "tests/support/server.h"
#include "tests/support/talk.h"

static struct turnstiled server;

static void start_server(void)
{
	turnstiled_init(&server, TURNSTILED);
	turnstiled_start(&server, "--workers", "2", "--event", "rush=2");
}

static void finish_server(void)
{
	turnstiled_finish(&server);
}

TestSuite(programs_send, .init = start_server, .fini = finish_server);

static int run_client(void *argument)
{
	char *const *argv = argument;

	execv(TURNSTILE, argv);
	return 127;
}

/* Runs the client with INPUT on stdin and up to two arguments; CAPTURE is to be freed. */
static void run_with(struct capture *capture, const char *input, char *first, char *second)
{
	char program[] = TURNSTILE;
	char *argv[] = { program, first, second, NULL };

	capture_start(capture, capture_file(input, strlen(input)), run_client, argv);
	capture_wait(capture);
}

static void run_with_input(struct capture *capture, const char *input)
{
	char option[] = "--port", port[16];

	snprintf(port, sizeof(port), "%u", server.lines_port);
	run_with(capture, input, option, port);
}

Test(programs_send, the_client_gets_every_answer_of_the_server_and_ends)
{
	struct capture capture;

	run_with_input(&capture, "/ping a\n/left rush\n/ping b");
	cr_expect_eq(capture.status, 0);
	cr_expect_str_eq(capture.errors, "");
	cr_expect_str_eq(capture.output, "+pong a\n+left rush 2 2\n+pong b\n");
	capture_free(&capture);
	cr_expect_eq(turnstiled_stop(&server), 0);
}

Test(programs_send, a_refusal_of_the_server_is_the_clients_exit_status)
{
	struct capture capture;

	run_with_input(&capture, "/no-such-command\n");
	cr_expect_eq(capture.status, 1);
	cr_expect_eq(strncmp(capture.output, "-BADCMD", 7), 0);
	capture_free(&capture);
}

Test(programs_send, the_environment_says_where_the_server_is)
{
	struct capture capture;
	char port[16], name[] = "send", line[] = "/ping";

	snprintf(port, sizeof(port), "%u", server.lines_port);
	cr_assert_eq(setenv("TURNSTILE_PORT", port, 1), 0);
	run_with(&capture, "", name, line);
	cr_expect_eq(capture.status, 0, "%s", capture.errors);
	cr_expect_str_eq(capture.output, "+pong\n");
	capture_free(&capture);
}

Test(programs_send, behind_the_subcommand_it_may_be_said_too_and_counts_more)
{
	struct capture capture;
	char name[] = "send", port[24];

	snprintf(port, sizeof(port), "--port=%u", server.lines_port);
	cr_assert_eq(setenv("TURNSTILE_PORT", "1", 1), 0);
	run_with(&capture, "/ping\n", name, port);
	cr_expect_eq(capture.status, 0, "%s", capture.errors);
	cr_expect_str_eq(capture.output, "+pong\n");
	capture_free(&capture);
}

Test(programs_send, a_server_that_was_killed_serves_again_from_the_same_store)
{
	struct talk talk;

	talk_open_greeted(&talk, server.lines_port);
	talk_ask(&talk, "/book rush", "+booked ");
	turnstiled_kill(&server);
	talk_close(&talk);
	turnstiled_start(&server, "--workers", "1");
	talk_open_greeted(&talk, server.lines_port);
	talk_ask(&talk, "/left rush", "+left rush 1 2");
	talk_close(&talk);
}
