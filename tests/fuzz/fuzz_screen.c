/*
 * Whatever a server says: on a terminal it becomes whole rows of printable cells in colours of
 * ours, no colour outlasts its line, and the status line below is one row. So a model of a terminal
 * that knows printable characters, line feeds and colours, and nothing else, shows all of it.
 *
 * The first byte says how wide the terminal is. A line that begins with '>' is the user's.
 */
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "client/chat/status_line.h"
#include "client/chat/wrap.h"
#include "client/terminal/text_width.h"
#include "tests/fuzz/dialogue.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define COLUMNS_LEAST 8
#define ESCAPE        '\033'

struct terminal {
	size_t columns;
	size_t column;
	size_t row;
	bool coloured;
	bool wrapped; /* a line feed may be within a line */
};

static struct conversation conversation;

static void expect(bool holds)
{
	if (!holds) {
		abort();
	}
}

/* ESC [ NUMBER m, the numbers that a colour or a weight has. Returns its length. */
static size_t take_colour(struct terminal *terminal, struct span text)
{
	size_t digits = 0;
	int number = 0;

	expect(text.length > 2 && text.text[1] == '[');
	while (digits + 2 < text.length && text.text[digits + 2] >= '0' &&
	       text.text[digits + 2] <= '9' && digits < 2) {
		number = number * 10 + text.text[2 + digits++] - '0';
	}
	expect(digits > 0 && digits + 2 < text.length && text.text[digits + 2] == 'm');
	expect(number <= 2 || (number >= 31 && number <= 36) || (number >= 91 && number <= 96));
	terminal->coloured = number != 0;
	return digits + 3;
}

static void new_row(struct terminal *terminal)
{
	terminal->row++;
	terminal->column = 0;
}

/* A character goes into the next cell; a wide one never stands half in a row. */
static size_t take_character(struct terminal *terminal, struct span text)
{
	uint32_t point;
	size_t length = text_decode(text.text, text.length, &point);
	size_t width = text_width((struct span){ text.text, length });

	expect(text_is_clean(text.text, length) && width <= 2);
	if (terminal->column + width > terminal->columns) {
		new_row(terminal);
	}
	terminal->column += width;
	return length;
}

static void draw(struct terminal *terminal, const char *text, size_t length)
{
	struct span rest = { text, length };

	while (rest.length > 0) {
		size_t used = 1;

		if (rest.text[0] == '\n') {
			expect(!terminal->coloured || terminal->wrapped);
			new_row(terminal);
		} else if (rest.text[0] == ESCAPE) {
			used = take_colour(terminal, rest);
		} else {
			used = take_character(terminal, rest);
		}
		rest = (struct span){ rest.text + used, rest.length - used };
	}
}

static void look(size_t columns)
{
	static char wrapped[WRAP_SIZE(CONVERSATION_SHOWN_SIZE)];
	char status[STATUS_LINE_SIZE];
	struct terminal endless = { .columns = SIZE_MAX };
	struct terminal terminal = { .columns = columns, .wrapped = true };
	struct span shown = { conversation.shown, conversation_whole_lines(&conversation) };

	draw(&endless, shown.text, shown.length);
	draw(&terminal, wrapped, wrap_lines(shown, columns, wrapped));
	expect(terminal.column == 0 && !terminal.coloured);
	conversation_displayed(&conversation, shown.length);
	size_t row = terminal.row;

	draw(&terminal, status, status_line(&conversation.view, "", columns, status));
	expect(terminal.row == row && terminal.column < columns);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2) {
		return 0;
	}
	dialogue_start(&conversation, true);
	dialogue_take(&conversation, (struct span){ (const char *)data + 1, size - 1 },
		      data[0] < COLUMNS_LEAST ? COLUMNS_LEAST : data[0], look);
	return 0;
}
