/*
 * wrap: breaks lines at spaces, so that a terminal does not break them within words. What follows a
 * break is indented. Pure.
 */
#ifndef CLIENT_CHAT_WRAP_H
#define CLIENT_CHAT_WRAP_H

#include <stddef.h>

#include "shared/text/words.h"

#define WRAP_INDENT 6 /* columns: the width of "12:34 " */

/* Bytes that LENGTH bytes can become. */
#define WRAP_SIZE(length) ((length) * (1 + WRAP_INDENT))

/*
 * Writes TEXT, lines that may have colours in them (ESC [ ... m), to WRAPPED, which has
 * WRAP_SIZE(its length) bytes; returns the length. A word wider than a row is left to the terminal.
 */
size_t wrap_lines(struct span text, size_t columns, char *wrapped);

#endif
