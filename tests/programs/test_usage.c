#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/capture.h"

static int run_program(void *argument)
{
	char *const *argv = argument;

	execv(argv[0], argv);
	return 127;
}

/* Runs PROGRAM with one argument; CAPTURE is to be freed. */
static void run_with(struct capture *capture, const char *program, const char *argument)
{
	char *argv[] = { strdup(program), strdup(argument), NULL };

	capture_start(capture, -1, run_program, argv);
	capture_wait(capture);
	free(argv[0]);
	free(argv[1]);
}

/* Exit status 2, and one line on stderr that has EXPECTED in it. */
static void expect_refusal(const char *program, const char *argument, const char *expected)
{
	struct capture capture;

	run_with(&capture, program, argument);
	cr_expect_eq(capture.status, 2);
	cr_expect_str_eq(capture.output, "");
	const char *end = strchr(capture.errors, '\n');
	cr_expect(end && end[1] == '\0', "it said '%s'", capture.errors);
	cr_expect_not_null(strstr(capture.errors, expected), "it said '%s'", capture.errors);
	capture_free(&capture);
}

static void expect_output(const char *program, const char *argument, const char *expected)
{
	struct capture capture;

	run_with(&capture, program, argument);
	cr_expect_eq(capture.status, 0);
	cr_expect_str_eq(capture.errors, "");
	cr_expect_not_null(strstr(capture.output, expected), "it said '%s'", capture.output);
	capture_free(&capture);
}

Test(usage, a_wrong_option_of_either_program_gets_one_line_and_status_2)
{
	expect_refusal(TURNSTILED, "--wrokers", "turnstiled: no such option: --wrokers");
	expect_refusal(TURNSTILED, "--workers=0", "must be a number from 1 to 64");
	expect_refusal(TURNSTILE, "--prot", "turnstile: no such option: --prot");
	expect_refusal(TURNSTILE, "--port", "turnstile: --port needs a value: --port=PORT");
	expect_refusal(TURNSTILE, "--h", "--h is short for more than one option");
}

Test(usage, an_unknown_subcommand_is_told_which_there_are)
{
	expect_refusal(TURNSTILE, "sned", "turnstile: no such subcommand: sned (there are: chat");
}

Test(usage, both_programs_know_help_and_version)
{
	expect_output(TURNSTILED, "--version", "turnstiled " TURNSTILE_VERSION "\n");
	expect_output(TURNSTILE, "--version", "turnstile " TURNSTILE_VERSION "\n");
	expect_output(TURNSTILED, "--help", "--listen=KIND:ADDRESS:PORT");
	expect_output(TURNSTILE, "--help", "send [LINE...]");
}
