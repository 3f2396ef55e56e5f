#include "client/chat/wrap.h"

#include <string.h>

#include "client/terminal/text_width.h"

#define ESCAPE '\033'

struct output {
	char *text;
	size_t size;
	size_t length;
	size_t column;
};

/* The length of what TEXT begins with: a colour, or else a character. */
static size_t colour_length(struct span text)
{
	const char *end = text.text[0] == ESCAPE ? memchr(text.text, 'm', text.length) : NULL;

	return end ? (size_t)(end - text.text) + 1 : 0;
}

/* The length of a word, the colours in it counted in, and its WIDTH. */
static size_t measure_word(struct span text, size_t *width)
{
	size_t length = 0;

	*width = 0;
	while (length < text.length && text.text[length] != ' ' && text.text[length] != '\n') {
		struct span rest = { text.text + length, text.length - length };
		size_t skipped = colour_length(rest);
		size_t plain = skipped > 0 ? skipped : 1;
		while (plain < rest.length && rest.text[plain] != ESCAPE &&
		       rest.text[plain] != ' ' && rest.text[plain] != '\n') {
			plain++;
		}
		*width += text_width((struct span){ rest.text + skipped, plain - skipped });
		length += plain;
	}
	return length;
}

static void put(struct output *output, const char *text, size_t length, size_t width)
{
	if (length > output->size - output->length) {
		return;
	}
	memcpy(output->text + output->length, text, length);
	output->length += length;
	output->column += width;
}

static void break_line(struct output *output)
{
	char start[1 + WRAP_INDENT];

	memset(start, ' ', sizeof(start));
	start[0] = '\n';
	put(output, start, sizeof(start), 0);
	output->column = WRAP_INDENT;
}

/* Spaces and the word behind them: on this row, or, without the spaces, on the next. */
static size_t put_piece(struct output *output, struct span text, size_t columns)
{
	size_t spaces = 0, width;

	while (spaces < text.length && text.text[spaces] == ' ') {
		spaces++;
	}
	struct span word = { text.text + spaces, text.length - spaces };
	word.length = measure_word(word, &width);
	if (spaces > 0 && output->column > WRAP_INDENT &&
	    output->column + spaces + width > columns) {
		break_line(output);
	} else {
		put(output, text.text, spaces, spaces);
	}
	put(output, word.text, word.length, width);
	return spaces + word.length;
}

size_t wrap_lines(struct span text, size_t columns, char *wrapped)
{
	struct output output = { .text = wrapped, .size = WRAP_SIZE(text.length) };
	size_t used = 0;

	while (used < text.length) {
		struct span rest = { text.text + used, text.length - used };
		if (rest.text[0] == '\n') {
			put(&output, "\n", 1, 0);
			output.column = 0;
			used++;
		} else {
			used += put_piece(&output, rest, columns);
		}
	}
	return output.length;
}
