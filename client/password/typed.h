/*
 * typed: a line of the standard input that nobody is to see, such as a password.
 */
#ifndef CLIENT_PASSWORD_TYPED_H
#define CLIENT_PASSWORD_TYPED_H

#include <stdbool.h>
#include <stddef.h>

#include "shared/text/words.h"

/*
 * Reads a line, without its end, into BYTES. On a terminal PROMPT goes to stderr, and what is typed
 * is not shown; who stops the program meanwhile finds the terminal as it was. Dies when the line is
 * longer than SIZE bytes, or there is none.
 */
struct span typed_line(const char *prompt, char *bytes, size_t size);

#endif
