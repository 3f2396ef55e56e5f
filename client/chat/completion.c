#include "client/chat/completion.h"

#include <stdio.h>
#include <string.h>

#include "client/terminal/text_width.h"
#include "shared/text/text.h"

#define LIST_GAP 2 /* columns between two words */

struct search {
	struct completion *completion;
	const struct commands *commands;
	const struct server_view *view;
	struct span prefix; /* the word as far as it is there */
};

/* Case does not count, in any script: as names are compared. */
static bool begins(struct span word, struct span prefix)
{
	char folded_word[NAME_FOLDED_SIZE], folded_prefix[NAME_FOLDED_SIZE];

	if (prefix.length == 0 || span_equals(prefix, "#")) {
		return prefix.length == 0 || span_starts(word, "#");
	}
	if (prefix.length > word.length + TEXT_GROWTH || prefix.length >= NAME_ROOM_SIZE) {
		return false;
	}
	if (prefix.length <= word.length &&
	    strncasecmp(word.text, prefix.text, prefix.length) == 0) {
		return true;
	}
	if (!name_is_nick(prefix) && !name_is_room(prefix)) {
		return false;
	}
	size_t length = name_fold(prefix, folded_prefix);
	size_t whole = name_fold(word, folded_word);
	return length > 0 && length <= whole && memcmp(folded_word, folded_prefix, length) == 0;
}

static void offer(struct search *search, const char *word)
{
	struct completion *completion = search->completion;

	if (completion->count == COMPLETION_MAX || !begins(span_of(word), search->prefix)) {
		return;
	}
	for (size_t i = 0; i < completion->count; i++) {
		if (strcmp(completion->words[i], word) == 0) {
			return;
		}
	}
	snprintf(completion->words[completion->count++], COMPLETION_WORD_SIZE, "%s", word);
}

static void offer_commands(struct search *search)
{
	for (size_t i = 0; i < search->commands->count; i++) {
		offer(search, search->commands->entries[i].name);
	}
}

static void offer_rooms(struct search *search)
{
	const struct server_view *view = search->view;
	char room[NAME_ROOM_SIZE];

	for (size_t i = view->room_count; i-- > 0;) {
		offer(search, view->rooms[i].name);
	}
	for (size_t i = 0; i < view->event_count; i++) {
		snprintf(room, sizeof(room), "#%s", view->events[i].name);
		offer(search, room);
	}
	for (size_t i = 0; i < view->listed_count; i++) {
		offer(search, view->listed[i]);
	}
}

/* The current room first; in it, who was heard last: most likely it is they who are meant. */
static void offer_nicks(struct search *search)
{
	for (size_t i = search->view->room_count; i-- > 0;) {
		const struct view_room *room = &search->view->rooms[i];
		for (size_t j = room->nick_count; j-- > 0;) {
			offer(search, room->nicks[j]);
		}
	}
}

static void offer_events(struct search *search)
{
	for (size_t i = 0; i < search->view->event_count; i++) {
		offer(search, search->view->events[i].name);
	}
}

static void offer_codes(struct search *search)
{
	for (size_t i = search->view->code_count; i-- > 0;) {
		offer(search, search->view->codes[i]);
	}
}

/* The argument without the brackets that say that it may be left out. */
static struct span bare(struct span argument)
{
	while (argument.length > 0 && strchr("[", argument.text[0])) {
		argument.text++;
		argument.length--;
	}
	while (argument.length > 0 && strchr("].", argument.text[argument.length - 1])) {
		argument.length--;
	}
	return argument;
}

static bool is_literal(struct span argument)
{
	for (size_t i = 0; i < argument.length; i++) {
		if (argument.text[i] < 'a' || argument.text[i] > 'z') {
			return false;
		}
	}
	return argument.length > 0;
}

static void offer_literal(struct search *search, struct span word)
{
	char text[COMMANDS_ARGS_SIZE];

	snprintf(text, sizeof(text), "%.*s", (int)word.length, word.text);
	offer(search, text);
}

/* ARGUMENT is a word of the help: "#ROOM", "[EVENT]", "key=KEY", "open". */
static void offer_argument(struct search *search, struct span argument)
{
	struct span word = bare(argument);
	const char *equals = memchr(word.text, '=', word.length);

	if (span_equals(word, "#ROOM")) {
		offer_rooms(search);
	} else if (span_equals(word, "NICK") || span_equals(word, "TEXT")) {
		offer_nicks(search);
	} else if (span_equals(word, "EVENT")) {
		offer_events(search);
	} else if (span_equals(word, "CODE")) {
		offer_codes(search);
	} else if (equals) {
		offer_literal(search, (struct span){ word.text, (size_t)(equals - word.text) + 1 });
	} else if (is_literal(word)) {
		offer_literal(search, word);
	}
}

/* The next argument, and while that may be left out, the one behind it as well. */
static void offer_next(struct search *search, struct span arguments)
{
	struct span argument;

	do {
		argument = words_next(&arguments);
		offer_argument(search, argument);
	} while (span_starts(argument, "["));
}

/*
 * ARGUMENTS is one way to write the command, TYPED the words between its name and the cursor's
 * word. Each typed word takes an argument away; what is left at the end comes next.
 */
static void offer_one_way(struct search *search, struct span arguments, struct span typed)
{
	struct span word;

	while ((word = words_next(&typed)).length > 0) {
		struct span rest = arguments;
		struct span argument = words_next(&rest);
		bool text = span_equals(bare(argument), "TEXT");
		if (is_literal(bare(argument)) && !span_starts(argument, "[") &&
		    !(word.length == argument.length &&
		      memcmp(word.text, argument.text, word.length) == 0)) {
			return;
		}
		/* "/say hello": the room was left out. */
		if (span_equals(argument, "[#ROOM]") && !span_starts(word, "#")) {
			words_next(&rest);
		}
		if (!text) {
			arguments = rest;
		}
		if (arguments.length == 0) {
			return;
		}
	}
	offer_next(search, arguments);
}

static void offer_arguments(struct search *search, const struct command *entry, struct span typed)
{
	struct span rest = span_of(entry->arguments);

	while (rest.length > 0) {
		const char *bar = memchr(rest.text, '|', rest.length);
		size_t length = bar ? (size_t)(bar - rest.text) : rest.length;
		size_t used = length + (bar ? 1 : 0);
		offer_one_way(search, (struct span){ rest.text, length }, typed);
		rest = (struct span){ rest.text + used, rest.length - used };
	}
	if (strcmp(entry->name, "/help") == 0) {
		/* Its NAME is a command's, without the slash. */
		for (size_t i = 0; i < search->commands->count && words_rest(typed).length == 0;
		     i++) {
			offer(search, search->commands->entries[i].name + 1);
		}
	}
}

/* The word that ends at the cursor. */
static struct span last_word(struct span text)
{
	size_t start = text.length;

	while (start > 0 && text.text[start - 1] != ' ') {
		start--;
	}
	return (struct span){ text.text + start, text.length - start };
}

static bool is_command(struct span text)
{
	return span_starts(text, "/") && !span_starts(text, "//");
}

void completion_find(struct completion *completion, const struct commands *commands,
		     const struct server_view *view, struct span text)
{
	struct search search = { completion, commands, view, last_word(text) };
	struct span before = { text.text, text.length - search.prefix.length };

	completion->count = 0;
	completion->replaced = search.prefix.length;
	if (!is_command(text)) {
		if (span_starts(search.prefix, "#")) {
			offer_rooms(&search);
		} else {
			offer_nicks(&search);
		}
	} else if (before.length == 0) {
		offer_commands(&search);
	} else {
		const struct command *entry = commands_find(commands, words_next(&before));
		if (entry) {
			offer_arguments(&search, entry, before);
		}
	}
}

/* How many bytes all words begin with, cut at a whole character. */
static size_t common_length(const struct completion *completion)
{
	const char *first = completion->words[0];
	size_t length = strlen(first);

	for (size_t i = 1; i < completion->count; i++) {
		size_t same = 0;
		while (same < length && first[same] == completion->words[i][same]) {
			same++;
		}
		length = same;
	}
	return text_cut(first, strlen(first), length);
}

static const char *behind(const struct completion *completion, struct span text)
{
	const char *word = completion->words[0];

	if (word[strlen(word) - 1] == '=') {
		return "";
	}
	if (completion->replaced == text.length && word[0] != '/' && word[0] != '#') {
		return ": ";
	}
	return " ";
}

void completion_insert(const struct completion *completion, struct span text, char *inserted)
{
	size_t size = COMPLETION_WORD_SIZE + 2;

	inserted[0] = '\0';
	if (completion->count == 1) {
		snprintf(inserted, size, "%s%s", completion->words[0], behind(completion, text));
	} else if (completion->count > 1 && common_length(completion) > completion->replaced) {
		snprintf(inserted, size, "%.*s", (int)common_length(completion),
			 completion->words[0]);
	}
}

struct list {
	char *text;
	size_t length;
};

/* Adds WORD and spaces up to WIDTH columns; false when there is no room. */
static bool list_add(struct list *list, struct span word, size_t width)
{
	size_t taken = text_width(word);
	size_t gap = width > taken ? width - taken : 0;

	/* One byte is kept for the LF. */
	if (word.length + gap >= COMPLETION_LIST_SIZE - list->length) {
		return false;
	}
	memcpy(list->text + list->length, word.text, word.length);
	memset(list->text + list->length + word.length, ' ', gap);
	list->length += word.length + gap;
	return true;
}

static size_t widest(const struct completion *completion)
{
	size_t most = 0;

	for (size_t i = 0; i < completion->count; i++) {
		size_t width = text_width(span_of(completion->words[i]));
		most = width > most ? width : most;
	}
	return most;
}

size_t completion_list(const struct completion *completion, size_t columns,
		       char list[COMPLETION_LIST_SIZE])
{
	struct list output = { list, 0 };
	size_t width = widest(completion) + LIST_GAP, column = 0;

	for (size_t i = 0; i < completion->count; i++) {
		if (column > 0 && column + width > columns) {
			list_add(&output, span_of("\n"), 0);
			column = 0;
		}
		if (!list_add(&output, span_of(completion->words[i]), width)) {
			break;
		}
		column += width;
	}
	list[output.length++] = '\n';
	return output.length;
}
