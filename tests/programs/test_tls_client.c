/* The client through TLS: where it goes, and whom it believes. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/programs/office.h"
#include "tests/support/capture.h"
#include "tests/support/certificate.h"
#include "tests/support/child.h"

#define WORDS_MAX 16

static struct turnstiled server;
static struct certificate own, other;

static void start(const char *name, long days)
{
	turnstiled_init(&server, TURNSTILED);
	certificate_make(&own, &server.folder, name, days);
	certificate_make(&other, &server.folder, "other", 30);
	turnstiled_start(&server, "--workers", "2", "--event", "rush=20", "--listen",
			 "tls:127.0.0.1:0", "--tls-cert", own.certificate, "--tls-key", own.key);
}

static void finish(void)
{
	turnstiled_finish(&server);
}

TestSuite(programs_tls_client, .fini = finish, .timeout = 60);

static int run_client(void *argument)
{
	execv(TURNSTILE, argument);
	return 127;
}

/* Runs the client with a line of words; CAPTURE is to be freed. */
__attribute__((format(printf, 3, 4))) static void run(struct capture *capture, const char *input,
						      const char *format, ...)
{
	char line[1024], program[] = TURNSTILE;
	char *argv[WORDS_MAX] = { program }, *rest = NULL;
	va_list arguments;
	int count = 1;

	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	for (char *word = strtok_r(line, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		cr_assert_lt(count, WORDS_MAX - 1);
		argv[count++] = word;
	}
	capture_start(capture, capture_file(input, strlen(input)), run_client, argv);
	capture_wait(capture);
}

#define expect_answer(answer, ...)                                                          \
	do {                                                                                \
		struct capture capture;                                                     \
		run(&capture, "/ping\n", __VA_ARGS__);                                      \
		cr_expect_eq(capture.status, 0, "%s", capture.errors);                      \
		cr_expect_str_eq(capture.errors, "");                                       \
		cr_expect_not_null(strstr(capture.output, answer), "%s not in: %s", answer, \
				   capture.output);                                         \
		capture_free(&capture);                                                     \
	} while (0)

#define expect_problem(problem, ...)                                                          \
	do {                                                                                  \
		struct capture capture;                                                       \
		run(&capture, "/ping\n", __VA_ARGS__);                                        \
		cr_expect_neq(capture.status, 0);                                             \
		cr_expect_str_eq(capture.output, "");                                         \
		cr_expect_not_null(strstr(capture.errors, problem), "%s not in: %s", problem, \
				   capture.errors);                                           \
		capture_free(&capture);                                                       \
	} while (0)

Test(programs_tls_client, an_address_says_that_it_is_tls_wherever_it_stands)
{
	start("localhost", 30);
	unsigned port = server.tls_port;
	const char *ca = own.certificate;

	expect_answer("+pong\n", "--host tls://localhost:%u --ca %s send", port, ca);
	expect_answer("+pong\n", "send --host tls://127.0.0.1:%u --ca %s", port, ca);
	expect_answer("+pong\n", "send --tls --host localhost --port %u --ca %s", port, ca);
	expect_answer("+pong\n", "send --host tls://localhost --port %u --ca %s", port, ca);
	setenv("TURNSTILE_HOST", text_of("tls://localhost:%u", port), 1);
	expect_answer("+pong\n", "--ca %s", ca);
}

Test(programs_tls_client, all_subcommands_that_talk_to_a_server_do_it_through_tls)
{
	start("localhost", 30);
	unsigned port = server.tls_port;
	const char *ca = own.certificate;

	expect_answer("pong\n", "chat --host tls://localhost:%u --ca %s", port, ca);
	expect_answer("sold                  20",
		      "rush rush --buyers 30 --connections 10 --host tls://localhost:%u --ca %s",
		      port, ca);
	expect_answer("\"operations\": 200,",
		      "bench ping --count 200 --json --host tls://localhost:%u --ca %s", port, ca);
	expect_answer("\"operations\": 20,",
		      "bench connect --count 20 --json --host tls://localhost:%u --ca %s", port,
		      ca);
}

Test(programs_tls_client, much_is_said_and_heard_and_nothing_is_lost)
{
	static char input[4 * 1024 * 1024];
	struct capture capture;
	size_t length = 0;

	start("localhost", 30);
	for (int i = 0; i < 100000; i++) {
		length += (size_t)snprintf(input + length, sizeof(input) - length, "/ping %d\n", i);
	}
	run(&capture, input, "send --host tls://localhost:%u --ca %s", server.tls_port,
	    own.certificate);
	cr_expect_eq(capture.status, 0, "%s", capture.errors);
	cr_expect_not_null(strstr(capture.output, "\n+pong 99999\n"));
	capture_free(&capture);
}

Test(programs_tls_client, whom_nobody_vouches_for_is_not_talked_to)
{
	start("localhost", 30);
	expect_problem("is not to be trusted: self-signed certificate (--ca FILE",
		       "send --host tls://localhost:%u", server.tls_port);
	expect_problem("is not to be trusted: self-signed certificate (--ca FILE",
		       "send --host tls://localhost:%u --ca %s", server.tls_port,
		       other.certificate);
	expect_problem("--ca /no/such: no certificates can be read from it: No such file",
		       "send --host tls://localhost:%u --ca /no/such", server.tls_port);
}

Test(programs_tls_client, a_certificate_for_another_name_is_not_the_servers)
{
	start("example.org", 30);
	expect_problem("its certificate is not for localhost",
		       "send --host tls://localhost:%u --ca %s", server.tls_port, own.certificate);
	expect_answer("+pong\n", "send --host tls://127.0.0.1:%u --ca %s", server.tls_port,
		      own.certificate);
}

Test(programs_tls_client, one_that_has_expired_is_not_trusted_and_the_server_warns)
{
	start("localhost", -1);
	cr_expect(eventually(log_has(&server, "has expired")));
	expect_problem("its certificate is not to be trusted: certificate has expired",
		       "send --host tls://localhost:%u --ca %s", server.tls_port, own.certificate);
}

Test(programs_tls_client, a_port_without_tls_is_said_to_have_none)
{
	start("localhost", 30);
	expect_problem("it speaks no TLS there", "send --host tls://localhost:%u --ca %s",
		       server.lines_port, own.certificate);
	expect_problem("tls://: must be tls://HOST", "send --host tls://");
}
