/*
 * terminal: a program on a pseudo-terminal, and the screen that a person would see.
 *
 * It understands what line editors write to an xterm: moving, erasing, inserting and deleting,
 * wide characters, lines that wrap, and that wrap anew when the width changes. Colours are
 * taken out. Every wait is bounded (TALK_TIMEOUT_NS); what does not come fails the test and shows
 * the screen.
 */
#ifndef TESTS_SUPPORT_TERMINAL_H
#define TESTS_SUPPORT_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/support/child.h"
#include "tests/support/talk.h"

#define TERMINAL_ROWS     50
#define TERMINAL_COLUMNS  160
#define TERMINAL_ROW_SIZE (TERMINAL_COLUMNS * 8 + 1) /* bytes */

struct terminal {
	struct child child;
	int descriptor;
	size_t rows, columns;
	size_t row, column; /* the cursor's; COLUMN may be COLUMNS: the next character wraps */
	bool saw_colour;
	bool marks_pastes;    /* it was asked to say where a paste begins and ends */
	size_t escape_length; /* of a sequence that is not whole yet */
	char escape[64];
	bool wraps[TERMINAL_ROWS]; /* the row goes on in the next */
	/* A point, or 0: the right half of a wide one; ' ' where nothing is. */
	uint32_t cells[TERMINAL_ROWS][TERMINAL_COLUMNS];
};

/* Starts ARGV on a terminal of that size; ENVIRONMENT ("NAME=value", NULL at the end) is added. */
void terminal_start(struct terminal *terminal, char *const *argv, const char *const *environment,
		    size_t rows, size_t columns);

/* As if typed. */
#define terminal_type(terminal, text) terminal_type_at(HERE, terminal, text)

/*
 * Waits until the cursor's row is TEXT (spaces at the end do not count), or the row that many rows
 * ABOVE it; until some row has TEXT in it.
 */
#define terminal_expect(terminal, above, text) terminal_expect_at(HERE, terminal, above, text)
#define terminal_expect_some(terminal, text)   terminal_expect_some_at(HERE, terminal, text)

/* How many rows have TEXT in them now. */
size_t terminal_count(struct terminal *terminal, const char *text);

/* Takes what came on the way to the screen, if anything comes within 10 ms. */
void terminal_look(struct terminal *terminal);

void terminal_resize(struct terminal *terminal, size_t rows, size_t columns);

/* Waits for the program's end; the screen is as it left it. */
int terminal_join(struct terminal *terminal);

/* Kills what still runs. Fine at any time. */
void terminal_finish(struct terminal *terminal);

void terminal_type_at(struct place place, struct terminal *terminal, const char *text);
void terminal_expect_at(struct place place, struct terminal *terminal, size_t above,
			const char *text);
void terminal_expect_some_at(struct place place, struct terminal *terminal, const char *text);

#endif
