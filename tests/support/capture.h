/*
 * capture: a piece of a program run in a child, with what it says and how it ends.
 *
 * For code that ends the program or talks on the standard streams. The child may return or exit():
 * either way it ends at once, without what a test's process would do at its exit. Waiting is
 * bounded (tests/support/child.h).
 */
#ifndef TESTS_SUPPORT_CAPTURE_H
#define TESTS_SUPPORT_CAPTURE_H

#include <stddef.h>

#include "tests/support/child.h"

struct capture {
	struct child child;
	int output_file, errors_file;
	int status; /* after capture_wait: as child_join says it */
	char *output;
	char *errors;
	size_t output_length, errors_length;
};

/* A file in memory with LENGTH bytes of TEXT, to be read from its start: for INPUT below. */
int capture_file(const char *text, size_t length);

/* Starts RUN(ARGUMENT) with INPUT as stdin, which is closed here; -1 is an empty one. */
void capture_start(struct capture *capture, int input, int (*run)(void *argument), void *argument);

/* Waits for the end; then status, output and errors (each with a NUL at its end) are there. */
void capture_wait(struct capture *capture);

/* Frees what capture_wait got. */
void capture_free(struct capture *capture);

#endif
