#include "client/terminal/output.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/capture.h"

TestSuite(output);

static int print_a_line(void *argument)
{
	(void)argument;
	printf("a result\n");
	output_flush_or_die();
	return 0;
}

static int print_to_a_full_disk(void *argument)
{
	dup2(open("/dev/full", O_WRONLY | O_CLOEXEC), STDOUT_FILENO);
	return print_a_line(argument);
}

/* The buffer is emptied in vain, and there is nothing in it at the end. */
static int print_much_to_a_full_disk(void *argument)
{
	(void)argument;
	dup2(open("/dev/full", O_WRONLY | O_CLOEXEC), STDOUT_FILENO);
	printf("a result\n");
	fflush(stdout);
	output_flush_or_die();
	return 0;
}

static void expect(int (*run)(void *argument), int status, const char *output, const char *errors)
{
	struct capture capture;

	capture_start(&capture, -1, run, NULL);
	capture_wait(&capture);
	cr_expect_eq(capture.status, status);
	cr_expect_str_eq(capture.output, output);
	cr_expect_not_null(strstr(capture.errors, errors), "'%s'", capture.errors);
	capture_free(&capture);
}

Test(output, what_got_out_is_well)
{
	expect(print_a_line, EXIT_SUCCESS, "a result\n", "");
}

Test(output, what_did_not_get_out_is_a_failure)
{
	expect(print_to_a_full_disk, EXIT_FAILURE, "", "cannot write to stdout");
	expect(print_much_to_a_full_disk, EXIT_FAILURE, "", "cannot write to stdout");
}
