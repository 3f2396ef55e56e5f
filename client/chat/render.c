#include "client/chat/render.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "client/chat/commands.h"
#include "client/terminal/bar.h"
#include "client/terminal/text_width.h"
#include "shared/base/clock.h"
#include "shared/text/name.h"

#define WORDS_MAX     5
#define BAR_COLUMNS   20
#define USAGE_COLUMNS 34 /* of a command in the list of them */
#define TIME_LENGTH   (CLOCK_TEXT_SIZE - 1)

/*
 * How each line is shown: %1 to %5 are its words, %* the rest of the line after the last of them.
 * %n2 is a nick, %b a bar of the words 2 and 3, where the style has such. The last part may be
 * missing, so spaces at the end are left out.
 */
struct form {
	const char *kind;
	size_t words;
	const char *shown;
	const char *colour;
};

static const struct form forms[] = {
	{ "*say", 2, "%1 <%n2> %*", "" },
	{ "*tell", 1, "<%n1 to you> %*", RENDER_BOLD },
	{ "*join", 2, "%1: %n2 came in", RENDER_DIM },
	{ "*part", 2, "%1: %n2 left %*", RENDER_DIM },
	{ "*nick", 2, "%n1 is now %n2", RENDER_DIM },
	{ "*topic", 2, "%1: %n2 set the topic: %*", "" },
	{ "*sale", 3, "%1: %b%2 of %3 left", "" },
	{ "*offer", 4, "%2: %3 for you with /confirm %1, within %4 s", RENDER_GREEN },
	{ "*waiting", 3, "%1: your place in the queue for %2 is %3", "" },
	{ "*notice", 0, "the server: %*", RENDER_YELLOW },
	{ "+nick", 1, "you are %n1 now", "" },
	{ "+join", 2, "you are in %1 now, %2 in all", "" },
	{ "+part", 1, "you left %1", "" },
	{ "+topic", 1, "%1: the topic: %*", "" },
	{ "+who", 1, "%1 in all", RENDER_DIM },
	{ "+rooms", 1, "%1 in all", RENDER_DIM },
	{ "+events", 1, "%1 in all", RENDER_DIM },
	{ "+help", 1, "%1 in all", RENDER_DIM },
	{ "+history", 1, "%1 in all", RENDER_DIM },
	{ "+stats", 1, "%1 in all", RENDER_DIM },
	{ "+workers", 1, "%1 in all", RENDER_DIM },
	{ "+left", 3, "%1: %b%2 of %3 left", "" },
	{ "+booked", 3, "booked: %3 for %2, code %1 (who holds the code holds the tickets)",
	  RENDER_GREEN },
	{ "+held", 4, "held for %4 s: %3 for %2; /confirm %1 books", RENDER_GREEN },
	{ "+cancelled", 3, "cancelled: %3 for %2, code %1", "" },
	{ "+ticket", 4, "%1: %3 for %2, %4", "" },
	{ "+waiting", 3, "%1: your place in the queue for %2 is %3", "" },
	{ "+admitted", 3, "admitted: %3 for %2, code %1", RENDER_GREEN },
	{ "+where", 3, "%n1 is served by worker %2, process %3", "" },
	{ "+audit", 5, "%1: %2 sold, %3 held, %4 free of %5: %*", "" },
};

struct output {
	char *text;
	size_t length;
	struct render_style style;
	const char *colour; /* of the whole line */
};

/* What does not fit is left out as a whole. */
static void put_bytes(struct output *output, const char *bytes, size_t length)
{
	if (length > RENDER_SIZE - output->length) {
		return;
	}
	memcpy(output->text + output->length, bytes, length);
	output->length += length;
}

static void put_char(struct output *output, char c)
{
	put_bytes(output, &c, 1);
}

static void put(struct output *output, const char *constant)
{
	put_bytes(output, constant, strlen(constant));
}

static void put_clean(struct output *output, struct span span)
{
	if (span.length > (RENDER_SIZE - output->length) / TEXT_GROWTH) {
		return;
	}
	output->length += text_clean(span.text, span.length, output->text + output->length);
}

static void put_colour(struct output *output, const char *colour)
{
	if (output->style.colour) {
		put(output, colour);
	}
}

const char *render_nick_colour(struct span nick)
{
	static const char *const colours[] = {
		"\033[32m", "\033[33m", "\033[35m", "\033[36m", "\033[92m",
		"\033[93m", "\033[94m", "\033[95m", "\033[96m",
	};
	char folded[NAME_FOLDED_SIZE];
	uint32_t hash = 2166136261U; /* FNV-1a: nobody gains from colours that collide */
	size_t length = name_fold_person(nick, folded);

	for (size_t i = 0; i < length; i++) {
		hash = (hash ^ (unsigned char)folded[i]) * 16777619U;
	}
	return colours[hash % (sizeof(colours) / sizeof(colours[0]))];
}

static void put_nick(struct output *output, struct span nick)
{
	put_colour(output, render_nick_colour(nick));
	put_clean(output, nick);
	put_colour(output, RENDER_PLAIN);
	put_colour(output, output->colour);
}

static void put_bar(struct output *output, struct span left, struct span total)
{
	int64_t left_count, total_count;
	char bar[BAR_SIZE];

	if (!output->style.rich || !words_number(left, 0, INT64_MAX, &left_count) ||
	    !words_number(total, 0, INT64_MAX, &total_count)) {
		return;
	}
	size_t length = bar_draw(left_count, total_count, BAR_COLUMNS, true, bar);
	put_colour(output, RENDER_GREEN);
	put_bytes(output, bar, length);
	put_colour(output, RENDER_PLAIN);
	put_char(output, ' ');
}

static const struct form *find_form(struct span kind)
{
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (span_equals(kind, forms[i].kind)) {
			return &forms[i];
		}
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
		if (*form == 'b') {
			put_bar(output, parts[2], parts[3]);
		} else if (*form == 'n') {
			put_nick(output, parts[*++form - '0']);
		} else {
			put_clean(output, parts[*form == '*' ? 0 : *form - '0']);
		}
	}
	while (output->length > 0 && output->text[output->length - 1] == ' ') {
		output->length--;
	}
}

/* False when LINE is nothing that we have a form for, or lacks words. */
static bool render_form(struct output *output, struct span line)
{
	struct span parts[1 + WORDS_MAX];
	struct span rest = line;
	const struct form *form = find_form(words_next(&rest));

	if (!form) {
		return false;
	}
	for (size_t i = 1; i <= form->words; i++) {
		parts[i] = words_next(&rest);
		if (parts[i].length == 0) {
			return false;
		}
	}
	parts[0] = words_rest(rest);
	output->colour = form->colour;
	put_colour(output, form->colour);
	fill_in(output, form->shown, parts);
	if (form->colour[0] != '\0') {
		put_colour(output, RENDER_PLAIN);
	}
	return true;
}

/* "/book EVENT [QTY] - books tickets", in two columns. */
static void render_help(struct output *output, struct span row)
{
	struct span usage, help;

	commands_split_row(row, &usage, &help);
	size_t width = text_width(usage);
	put_colour(output, RENDER_BOLD);
	put_clean(output, usage);
	put_colour(output, RENDER_PLAIN);
	do {
		put_char(output, ' ');
	} while (++width < USAGE_COLUMNS);
	put_clean(output, help);
}

/* "EVENT LEFT/TOTAL open|closed TITLE" */
static void render_event(struct output *output, struct span row)
{
	struct span name = words_next(&row);
	struct span figures = words_next(&row);
	const char *slash = memchr(figures.text, '/', figures.length);
	size_t before = slash ? (size_t)(slash - figures.text) : figures.length;
	size_t after = slash ? before + 1 : figures.length;
	struct span left = { figures.text, before };
	struct span total = { figures.text + after, figures.length - after };
	struct span state = words_next(&row);

	put_clean(output, name);
	put(output, ": ");
	put_bar(output, left, total);
	put_clean(output, left);
	put(output, " of ");
	put_clean(output, total);
	put(output, " left, ");
	put_clean(output, state);
	put(output, row.length > 0 ? ": " : "");
	put_clean(output, words_rest(row));
}

static void render_row(struct output *output, struct span row, struct span command)
{
	struct span name = words_next(&command);

	put(output, "  ");
	if (output->style.rich && span_equals_ignoring_case(name, "/help")) {
		render_help(output, row);
	} else if (output->style.rich && span_equals_ignoring_case(name, "/events")) {
		render_event(output, row);
	} else if (output->style.rich && span_equals_ignoring_case(name, "/who")) {
		put_nick(output, row);
	} else {
		put_clean(output, row);
	}
}

bool render_take_time(struct span *line, int64_t *wall_ns)
{
	struct tm date = { 0 };
	char text[CLOCK_TEXT_SIZE];

	if (!span_starts(*line, "=")) {
		return false;
	}
	struct span rest = { line->text + 1, line->length - 1 };
	struct span word = words_next(&rest);
	if (word.length != TIME_LENGTH) {
		return false;
	}
	snprintf(text, sizeof(text), "%.*s", (int)word.length, word.text);
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &date);
	int64_t seconds = end && *end == '\0' ? (int64_t)timegm(&date) : -1;
	if (seconds < 0 || seconds > INT64_MAX / NS_PER_SECOND) {
		return false;
	}
	*wall_ns = seconds * NS_PER_SECOND;
	*line = words_rest(rest);
	return true;
}

static void render_other(struct output *output, struct span line, struct span command)
{
	struct span rest = { line.text + (line.length > 0), line.length - (line.length > 0) };

	switch (line.length > 0 ? line.text[0] : '\0') {
	case '=': render_row(output, rest, command); break;
	case '+': put_clean(output, rest); break;
	case '-':
		put_colour(output, RENDER_RED);
		put(output, "! ");
		put_clean(output, rest);
		put_colour(output, RENDER_PLAIN);
		break;
	default: put_clean(output, line); break;
	}
}

size_t render_styled(struct span line, struct span command, struct render_style style,
		     char shown[RENDER_SIZE])
{
	struct output output = { .text = shown, .style = style, .colour = "" };

	if (!render_form(&output, line)) {
		render_other(&output, line, command);
	}
	return output.length;
}

size_t render_line(struct span line, char shown[RENDER_SIZE])
{
	return render_styled(line, (struct span){ "", 0 }, (struct render_style){ 0 }, shown);
}
