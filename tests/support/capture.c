#include "tests/support/capture.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct launch {
	int input, output, errors;
	int (*run)(void *argument);
	void *argument;
};

/* The first handler to run at an exit(), since it is the last that was set. */
static void end_now(int status, void *unused)
{
	(void)unused;
	fflush(NULL);
	_exit(status);
}

static int run_launch(void *argument)
{
	const struct launch *launch = argument;

	dup2(launch->input, STDIN_FILENO);
	dup2(launch->output, STDOUT_FILENO);
	dup2(launch->errors, STDERR_FILENO);
	on_exit(end_now, NULL);
	int status = launch->run(launch->argument);
	fflush(NULL);
	return status;
}

int capture_file(const char *text, size_t length)
{
	int file = memfd_create("capture", MFD_CLOEXEC);

	cr_assert_geq(file, 0);
	for (size_t done = 0; done < length;) {
		ssize_t count = write(file, text + done, length - done);
		cr_assert_gt(count, 0);
		done += (size_t)count;
	}
	cr_assert_eq(lseek(file, 0, SEEK_SET), 0);
	return file;
}

void capture_start(struct capture *capture, int input, int (*run)(void *argument), void *argument)
{
	memset(capture, 0, sizeof(*capture));
	capture->output_file = capture_file("", 0);
	capture->errors_file = capture_file("", 0);
	struct launch launch = { .input = input >= 0 ? input : capture_file("", 0),
				 .output = capture->output_file,
				 .errors = capture->errors_file,
				 .run = run,
				 .argument = argument };
	fflush(NULL);
	capture->child = child_start(run_launch, &launch);
	close(launch.input);
}

static char *load(int file, size_t *length)
{
	struct stat about;

	cr_assert_eq(fstat(file, &about), 0);
	char *text = malloc((size_t)about.st_size + 1);
	cr_assert_not_null(text);
	ssize_t count = pread(file, text, (size_t)about.st_size, 0);
	cr_assert_eq(count, about.st_size);
	text[count] = '\0';
	*length = (size_t)count;
	close(file);
	return text;
}

void capture_wait(struct capture *capture)
{
	capture->status = child_join(&capture->child);
	capture->output = load(capture->output_file, &capture->output_length);
	capture->errors = load(capture->errors_file, &capture->errors_length);
}

void capture_free(struct capture *capture)
{
	free(capture->output);
	free(capture->errors);
}
