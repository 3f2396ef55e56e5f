/*
 * text_width: how many columns and rows text takes on a terminal: the one place that says so. Pure;
 * widths are the locale's (wcwidth(3)), so the locale must be one of UTF-8.
 *
 * A width says where something stands, never how many bytes it has: there are letters that one
 * library knows and another does not. A buffer is checked where it is filled.
 */
#ifndef CLIENT_TERMINAL_TEXT_WIDTH_H
#define CLIENT_TERMINAL_TEXT_WIDTH_H

#include <stddef.h>

#include "shared/text/words.h"

/* Columns that TEXT takes, written as it is, on a line that never ends. */
size_t text_width(struct span text);

/* The same as the line editor writes it: what it cannot show becomes ^X or \U+12345. */
size_t text_width_edited(struct span text);

/* The longest front of TEXT, in bytes, that takes COLUMNS at most. */
size_t text_width_cut(struct span text, size_t columns);

/* How many rows something of WIDTH columns takes (1 or more), wrapped at COLUMNS. */
size_t text_width_rows(size_t width, size_t columns);

/*
 * The row, counted from the prompt's, in which the cursor stands after a prompt of PROMPT columns
 * and TEXT behind it, in the line editor. A wide character never stands half in a row; a full row's
 * end is the start of the next.
 */
size_t text_width_cursor_row(size_t prompt, struct span text, size_t columns);

#endif
