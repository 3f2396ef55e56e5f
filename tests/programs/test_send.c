#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
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

/* Runs the client with INPUT on stdin; CAPTURE is to be freed. */
static void run_with_input(struct capture *capture, const char *input)
{
	char program[] = TURNSTILE, option[] = "--port", port[16];
	char *argv[] = { program, option, port, NULL };

	snprintf(port, sizeof(port), "%u", server.lines_port);
	capture_start(capture, capture_file(input, strlen(input)), run_client, argv);
	capture_wait(capture);
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
