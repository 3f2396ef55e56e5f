/*
 * style: what may be printed to a descriptor: colours, characters beyond ASCII, and how wide.
 */
#ifndef CLIENT_TERMINAL_STYLE_H
#define CLIENT_TERMINAL_STYLE_H

#include <stdbool.h>

#define STYLE_RESET "\033[0m"

struct terminal_style {
	unsigned columns;
	bool colour;  /* a terminal, and $NO_COLOR is not set */
	bool unicode; /* else ASCII */
};

/* As the user's environment has it; takes over the locale's LC_CTYPE. */
struct terminal_style terminal_style(int descriptor);

/* Columns now; 80 where there is no terminal, or one that does not say. */
unsigned terminal_columns(int descriptor);

/* Whether the locale that is set is one of UTF-8. */
bool terminal_is_utf8(void);

#endif
