#include "client/render.h"

#include <string.h>

#define WORDS_MAX 4

/*
 * How each event is shown: %1 to %4 are its words, %* the rest of the line after the last of them.
 * Spaces at the end are left out, so that what may be missing may stand there.
 */
struct form {
	const char *kind;
	size_t words;
	const char *shown;
};

static const struct form forms[] = {
	{ "*say", 2, "%1 <%2> %*" },
	{ "*tell", 1, "<%1 to you> %*" },
	{ "*join", 2, "%1: %2 came in" },
	{ "*part", 2, "%1: %2 left %*" },
	{ "*nick", 2, "%1 is now %2" },
	{ "*topic", 2, "%1: %2 set the topic: %*" },
	{ "*sale", 3, "%1: %2 of %3 left" },
	{ "*offer", 4, "%2: %3 for you with /confirm %1, within %4 s" },
	{ "*waiting", 3, "%1: your place in the queue for %2 is %3" },
	{ "*notice", 0, "the server: %*" },
};

struct output {
	char *text;
	size_t length;
};

static void put_char(struct output *output, char c)
{
	output->text[output->length++] = c;
}

static void put_clean(struct output *output, struct span span)
{
	output->length += text_clean(span.text, span.length, output->text + output->length);
}

static const struct form *find_form(struct span kind)
{
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (span_equals(kind, forms[i].kind))
			return &forms[i];
	}
	return NULL;
}

/* PARTS[0] is the rest, PARTS[1] and up are the words. */
static void fill_in(struct output *output, const char *form, const struct span *parts)
{
	for (; *form != '\0'; form++) {
		if (*form != '%') {
			put_char(output, *form);
			continue;
		}
		form++;
		put_clean(output, parts[*form == '*' ? 0 : *form - '0']);
	}
	while (output->length > 0 && output->text[output->length - 1] == ' ')
		output->length--;
}

/* False when LINE is no event that we know, or lacks words. */
static bool render_event(struct output *output, struct span line)
{
	struct span parts[1 + WORDS_MAX];
	struct span rest = line;
	const struct form *form = find_form(words_next(&rest));

	if (form == NULL)
		return false;
	for (size_t i = 1; i <= form->words; i++) {
		parts[i] = words_next(&rest);
		if (parts[i].length == 0)
			return false;
	}
	parts[0] = words_rest(rest);
	fill_in(output, form->shown, parts);
	return true;
}

size_t render_line(struct span line, char shown[RENDER_SIZE])
{
	struct output output = { .text = shown };
	struct span rest = { line.text + (line.length > 0), line.length - (line.length > 0) };

	if (span_starts(line, "*") && render_event(&output, line))
		return output.length;
	switch (line.length > 0 ? line.text[0] : '\0') {
	case '=':
		put_char(&output, ' ');
		put_char(&output, ' ');
		put_clean(&output, rest);
		break;
	case '+': put_clean(&output, rest); break;
	case '-':
		put_char(&output, '!');
		put_char(&output, ' ');
		put_clean(&output, rest);
		break;
	default: put_clean(&output, line); break;
	}
	return output.length;
}
