#include "client/chat/conversation.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "client/terminal/text_width.h"
#include "shared/base/clock.h"

#define TIME_SIZE        8  /* "12:34 " */
#define ROW_COLUMNS      72 /* of nicks in a row */
#define HISTORY_LINES    10 /* shown to who enters a room */
#define SENT_MAX         3  /* times that an interrupted booking is sent */
#define SAID_SIZE        (PENDING_LINE_SIZE + NAME_ROOM_SIZE)
#define REMARK_SIZE      1024
#define INTERRUPTED_CODE "-INTERRUPTED"

void conversation_init(struct conversation *conversation, struct render_style style, uint64_t key)
{
	memset(conversation, 0, sizeof(*conversation));
	view_init(&conversation->view);
	conversation->style = style;
	conversation->key = key;
}

/* Showing. */

static void put(struct conversation *conversation, const char *text, size_t length)
{
	size_t room = CONVERSATION_SHOWN_SIZE - conversation->shown_length;

	if (length > room) {
		return;
	}
	memcpy(conversation->shown + conversation->shown_length, text, length);
	conversation->shown_length += length;
}

static void put_clean(struct conversation *conversation, struct span text)
{
	char clean[PENDING_LINE_SIZE * TEXT_GROWTH];

	if (text.length > PENDING_LINE_SIZE) {
		text.length = text_cut(text.text, text.length, PENDING_LINE_SIZE);
	}
	size_t length = text_clean(text.text, text.length, clean);
	put(conversation, clean, length);
}

static void put_text(struct conversation *conversation, const char *text)
{
	put(conversation, text, strlen(text));
}

static void put_colour(struct conversation *conversation, const char *colour)
{
	if (conversation->style.colour) {
		put_text(conversation, colour);
	}
}

/* Ends a row of nicks that others could have followed. */
static void end_row(struct conversation *conversation)
{
	if (conversation->row_columns > 0) {
		put_text(conversation, "\n");
	}
	conversation->row_columns = 0;
}

/* A line of its own, which begins with the time; then comes COLOUR, up to end_line. */
static void begin_line(struct conversation *conversation, int64_t wall_ns, const char *colour)
{
	time_t seconds = (time_t)(wall_ns / NS_PER_SECOND);
	char text[TIME_SIZE] = "";
	struct tm local;

	if (localtime_r(&seconds, &local)) {
		strftime(text, sizeof(text), "%H:%M ", &local);
	}
	end_row(conversation);
	put_colour(conversation, RENDER_DIM);
	put_text(conversation, text);
	put_colour(conversation, RENDER_PLAIN);
	put_colour(conversation, colour);
}

static void end_line(struct conversation *conversation)
{
	put_colour(conversation, RENDER_PLAIN);
	put_text(conversation, "\n");
}

static void show(struct conversation *conversation, struct span line, struct span command,
		 int64_t wall_ns)
{
	char text[RENDER_SIZE];
	size_t length = render_styled(line, command, conversation->style, text);

	begin_line(conversation, wall_ns, "");
	put(conversation, text, length);
	put_text(conversation, "\n");
}

/* What answers nothing that was asked. */
static void show_event(struct conversation *conversation, struct span line, int64_t wall_ns)
{
	show(conversation, line, (struct span){ "", 0 }, wall_ns);
}

void conversation_remark(struct conversation *conversation, int64_t wall_ns, const char *format,
			 ...)
{
	char text[REMARK_SIZE];
	va_list arguments;

	va_start(arguments, format);
	int length = vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (length < 0) {
		return;
	}
	if ((size_t)length >= sizeof(text)) {
		length = (int)sizeof(text) - 1;
	}
	begin_line(conversation, wall_ns, RENDER_YELLOW);
	put_clean(conversation, (struct span){ text, (size_t)length });
	end_line(conversation);
}

/* What was typed, where the answer alone would not tell. */
static void echo(struct conversation *conversation, struct span line, int64_t wall_ns)
{
	begin_line(conversation, wall_ns, RENDER_DIM);
	put_text(conversation, "> ");
	put_clean(conversation, conversation_keeps(line) ? line : span_of("/op ..."));
	end_line(conversation);
}

/* Sending. */

static bool send_line(struct conversation *conversation, struct span line)
{
	if (CONVERSATION_OUT_SIZE - conversation->out_length < line.length + 1) {
		return false;
	}
	memcpy(conversation->out + conversation->out_length, line.text, line.length);
	conversation->out_length += line.length;
	conversation->out[conversation->out_length++] = '\n';
	return true;
}

static bool ask(struct conversation *conversation, struct span line, enum pending_purpose purpose)
{
	return pending_add(&conversation->pending, line, purpose) && send_line(conversation, line);
}

__attribute__((format(printf, 3, 4))) static void ask_for(struct conversation *conversation,
							  enum pending_purpose purpose,
							  const char *format, ...)
{
	char line[PENDING_LINE_SIZE];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	ask(conversation, span_of(line), purpose);
}

void conversation_sent(struct conversation *conversation, size_t count)
{
	conversation->out_length -= count;
	memmove(conversation->out, conversation->out + count, conversation->out_length);
}

void conversation_ask_nick(struct conversation *conversation)
{
	conversation->wants_nick = false;
	if (conversation->connected && conversation->view.chosen[0] != '\0') {
		ask_for(conversation, PENDING_QUIET, "/nick %s", conversation->view.chosen);
	}
}

static bool is_asked(const struct conversation *conversation, const char *line)
{
	const struct pending *pending = &conversation->pending;

	for (size_t i = 0; i < pending->count; i++) {
		const struct pending_entry *entry = pending_at(pending, i);

		if (span_equals((struct span){ entry->line, entry->length }, line)) {
			return true;
		}
	}
	return false;
}

void conversation_ask_rooms(struct conversation *conversation)
{
	if (conversation->connected && !is_asked(conversation, "/events")) {
		ask_for(conversation, PENDING_QUIET, "/rooms");
		ask_for(conversation, PENDING_QUIET, "/events");
	}
}

size_t conversation_whole_lines(const struct conversation *conversation)
{
	const char *end = memrchr(conversation->shown, '\n', conversation->shown_length);

	return end ? (size_t)(end - conversation->shown) + 1 : 0;
}

void conversation_displayed(struct conversation *conversation, size_t count)
{
	conversation->shown_length -= count;
	memmove(conversation->shown, conversation->shown + count, conversation->shown_length);
}

/* Sends the oldest OPEN commands again. Each moves to the end, so that their order stays. */
static void ask_again(struct conversation *conversation, size_t open)
{
	for (size_t i = 0; i < open; i++) {
		struct pending_entry entry = *pending_oldest(&conversation->pending);
		pending_answered(&conversation->pending);
		ask(conversation, (struct span){ entry.line, entry.length }, entry.purpose);
	}
}

void conversation_connected(struct conversation *conversation)
{
	const struct server_view *view = &conversation->view;
	size_t open = conversation->pending.count;

	conversation->connected = true;
	conversation->nick_told = false;
	ask_again(conversation, open);
	conversation_ask_nick(conversation);
	ask_for(conversation, PENDING_QUIET, "/where");
	for (size_t i = 0; i < view->room_count; i++) {
		ask_for(conversation, PENDING_QUIET, "/join %s", view->rooms[i].name);
	}
	ask_for(conversation, PENDING_QUIET, "/help");
	conversation_ask_rooms(conversation);
}

void conversation_lost(struct conversation *conversation, int64_t wall_ns)
{
	size_t forgotten = pending_keep_bookings(&conversation->pending);

	conversation->connected = false;
	conversation->out_length = 0;
	conversation->wants_nick = false;
	if (conversation->over) {
		return;
	}
	conversation_remark(conversation, wall_ns, "The connection is lost; trying again ...");
	if (forgotten > 0) {
		conversation_remark(conversation, wall_ns,
				    "What was entered last (%zu) may not have arrived.", forgotten);
	}
	if (conversation->pending.count > 0) {
		conversation_remark(conversation, wall_ns,
				    "Bookings without an answer (%zu) will be asked for again: "
				    "each is sold once.",
				    conversation->pending.count);
	}
}

void conversation_leave(struct conversation *conversation)
{
	if (!conversation->connected || !send_line(conversation, span_of("/quit")) ||
	    !pending_add(&conversation->pending, span_of("/quit"), PENDING_QUIET)) {
		conversation->over = true;
	}
}

/* What is typed. */

bool conversation_keeps(struct span line)
{
	return !span_equals_ignoring_case(words_next(&line), "/op");
}

static void type_text(struct conversation *conversation, struct span text, int64_t wall_ns)
{
	const struct view_room *room = view_current(&conversation->view);
	char line[SAID_SIZE];

	if (!room) {
		conversation_remark(conversation, wall_ns,
				    "Not said: you are in no room. /join #ROOM enters one.");
		return;
	}
	int length = snprintf(line, sizeof(line), "/say %s %.*s", room->name, (int)text.length,
			      text.text);
	if (length < 0 || length > LINE_MAX_BYTES) {
		conversation_remark(conversation, wall_ns, "Not said: too long.");
		return;
	}
	if (!ask(conversation, (struct span){ line, (size_t)length }, PENDING_TYPED)) {
		conversation_remark(conversation, wall_ns,
				    "Not said: too much is waiting for its answer.");
		return;
	}
	/* The server tells the others; we see it as they do. */
	length = snprintf(line, sizeof(line), "*say %s %s %.*s", room->name,
			  conversation->view.nick, (int)text.length, text.text);
	show_event(conversation, (struct span){ line, (size_t)length }, wall_ns);
}

static void type_command(struct conversation *conversation, struct span line, int64_t wall_ns)
{
	char key[NAME_KEY_SIZE], keyed[PENDING_LINE_SIZE];

	echo(conversation, line, wall_ns);
	snprintf(key, sizeof(key), "chat-%016" PRIx64 "-%u", conversation->key,
		 ++conversation->keys);
	size_t length = pending_add_key(line, key, keyed);
	if (length == 0 || length > LINE_MAX_BYTES) {
		conversation_remark(conversation, wall_ns, "Not sent: too long.");
	} else if (!ask(conversation, (struct span){ keyed, length }, PENDING_TYPED)) {
		conversation_remark(conversation, wall_ns,
				    "Not sent: too much is waiting for its answer.");
	}
}

void conversation_type(struct conversation *conversation, struct span line, int64_t wall_ns)
{
	struct span rest = line;

	if (words_rest(line).length == 0) {
		return;
	}
	if (!conversation->connected && span_equals_ignoring_case(words_next(&rest), "/quit")) {
		conversation->over = true;
	} else if (!conversation->connected) {
		echo(conversation, line, wall_ns);
		conversation_remark(conversation, wall_ns,
				    "Not sent: there is no connection. (The Up key brings it "
				    "back.)");
	} else if (!span_starts(line, "/")) {
		type_text(conversation, line, wall_ns);
	} else if (span_starts(line, "//")) {
		type_text(conversation, (struct span){ line.text + 1, line.length - 1 }, wall_ns);
	} else {
		type_command(conversation, line, wall_ns);
	}
}

/* What the server says. */

static void welcome(struct conversation *conversation, int64_t wall_ns)
{
	const struct server_view *view = &conversation->view;
	char row[NAME_EVENT_SIZE + 64];

	conversation->welcomed = true;
	conversation_remark(
		conversation, wall_ns,
		"You are %s. /nick NAME changes that, /help lists all commands, the Tab "
		"key completes, Ctrl-D leaves.",
		view->nick);
	if (view->event_count == 0) {
		conversation_remark(conversation, wall_ns, "To talk, enter a room: /join #lobby");
	} else {
		conversation_remark(
			conversation, wall_ns,
			"To talk, enter a room: /join #lobby, or an event's: /join #%s. "
			"To book: /book %s",
			view->events[0].name, view->events[0].name);
	}
	for (size_t i = 0; i < view->event_count; i++) {
		const struct view_event *event = &view->events[i];
		int length =
			snprintf(row, sizeof(row), "=%s %" PRId64 "/%" PRId64 " %s", event->name,
				 event->left, event->total, event->open ? "open" : "closed");
		show(conversation, (struct span){ row, (size_t)length }, span_of("/events"),
		     wall_ns);
	}
}

/* A room was entered: who is there, what is left, and, if it was the user's wish, what was said. */
static void look_around(struct conversation *conversation, enum pending_purpose purpose)
{
	const struct view_room *room = view_current(&conversation->view);

	if (!room) {
		return;
	}
	ask_for(conversation, PENDING_QUIET, "/who %s", room->name);
	if (name_is_event(span_of(room->name + 1))) {
		ask_for(conversation, PENDING_QUIET, "/left %s", room->name + 1);
	}
	if (purpose != PENDING_TYPED) {
		return;
	}
	ask_for(conversation, PENDING_ASIDE, "/topic %s", room->name);
	ask_for(conversation, PENDING_ASIDE, "/history %s %d", room->name, HISTORY_LINES);
}

static void note_nick(struct conversation *conversation, struct span line, bool answers_nick,
		      int64_t wall_ns)
{
	if (answers_nick && span_starts(line, "-NICKINUSE") && !conversation->wants_nick) {
		conversation->wants_nick = true;
		if (!conversation->nick_told) {
			conversation_remark(conversation, wall_ns,
					    "%s is still taken; trying again ...",
					    conversation->view.chosen);
		}
		conversation->nick_told = true;
		return;
	}
	if (answers_nick && span_starts(line, "+nick")) {
		conversation_remark(conversation, wall_ns, "You are %s again.",
				    conversation->view.nick);
	}
}

/* The client asked this for itself. */
static void hear_quiet(struct conversation *conversation, struct span command, struct span line,
		       int64_t wall_ns)
{
	struct span rest = command;
	struct span name = words_next(&rest);

	note_nick(conversation, line, span_equals(name, "/nick"), wall_ns);
	if (span_starts(line, "+bye")) {
		conversation->over = true;
	} else if (span_equals(name, "/join") && span_starts(line, "+")) {
		look_around(conversation, PENDING_QUIET);
	} else if (span_equals(name, "/join")) {
		view_leave(&conversation->view, words_next(&rest));
	} else if (span_equals(name, "/events") && !conversation->welcomed) {
		welcome(conversation, wall_ns);
	}
}

static void hear_typed(struct conversation *conversation, struct span command, struct span line,
		       int64_t wall_ns)
{
	bool answered_by_echo = span_starts(line, "+say ") || span_starts(line, "+tell ");

	if (!answered_by_echo) {
		show(conversation, line, command, wall_ns);
	}
	conversation->over = conversation->over || span_starts(line, "+bye");
	if (span_starts(line, "+join ")) {
		look_around(conversation, PENDING_TYPED);
	}
}

static void hear_aside(struct conversation *conversation, struct span command, struct span line,
		       int64_t wall_ns)
{
	struct span rest = line;

	words_next(&rest);
	words_next(&rest);
	if (span_starts(line, "+topic ") && words_rest(rest).length > 0) {
		show(conversation, line, command, wall_ns);
	}
}

/* The worker died over it: what can be asked again is. */
static bool asked_again(struct conversation *conversation, const struct pending_entry *entry,
			struct span line)
{
	struct span command = { entry->line, entry->length };

	if (!span_starts(line, INTERRUPTED_CODE) || entry->sent >= SENT_MAX ||
	    !pending_repeatable(command) || !send_line(conversation, command)) {
		return false;
	}
	struct pending_entry *again = pending_add(&conversation->pending, command, entry->purpose);
	if (again) {
		again->sent = entry->sent + 1;
	}
	return again;
}

static void hear_final(struct conversation *conversation, struct span line, int64_t wall_ns)
{
	if (conversation->pending.count == 0) {
		show_event(conversation, line, wall_ns);
		return;
	}
	struct pending_entry entry = *pending_oldest(&conversation->pending);
	struct span command = { entry.line, entry.length };

	pending_answered(&conversation->pending);
	view_answer(&conversation->view, command, line);
	end_row(conversation);
	if (asked_again(conversation, &entry, line)) {
		return;
	}
	switch (entry.purpose) {
	case PENDING_QUIET: hear_quiet(conversation, command, line, wall_ns); break;
	case PENDING_ASIDE: hear_aside(conversation, command, line, wall_ns); break;
	case PENDING_TYPED: hear_typed(conversation, command, line, wall_ns); break;
	}
}

/* Many nicks, a few in a row. */
static void show_nick(struct conversation *conversation, struct span line, struct span command)
{
	char text[RENDER_SIZE];
	size_t length = render_styled(line, command, conversation->style, text);
	size_t columns = text_width(line) + 1;

	if (conversation->row_columns + columns > ROW_COLUMNS) {
		end_row(conversation);
	}
	put(conversation, text, length);
	conversation->row_columns += columns;
}

/* What was said before, as it was shown then. */
static void show_past(struct conversation *conversation, struct span said, struct span command,
		      int64_t wall_ns)
{
	const struct view_room *current = view_current(&conversation->view);
	char line[CONNECTION_LINE_MAX + NAME_ROOM_SIZE];

	words_next(&command);
	struct span room = words_next(&command);
	if (!span_starts(room, "#")) {
		room = span_of(current ? current->name : "#");
	}
	int length = snprintf(line, sizeof(line), "*say %.*s %.*s", (int)room.length, room.text,
			      (int)said.length, said.text);
	if (length > 0 && length < CONNECTION_LINE_MAX) {
		show_event(conversation, (struct span){ line, (size_t)length }, wall_ns);
	}
}

static void show_row(struct conversation *conversation, struct span line, struct span command,
		     int64_t wall_ns)
{
	struct span rest = command;
	struct span name = words_next(&rest);

	if (span_equals_ignoring_case(name, "/who")) {
		show_nick(conversation, line, command);
	} else if (span_equals_ignoring_case(name, "/history") &&
		   render_take_time(&line, &wall_ns)) {
		show_past(conversation, line, command, wall_ns);
	} else {
		show(conversation, line, command, wall_ns);
	}
}

static void hear_row(struct conversation *conversation, struct span line, int64_t wall_ns)
{
	const struct pending_entry *entry = pending_oldest(&conversation->pending);
	struct span command = { entry ? entry->line : "", entry ? entry->length : 0 };
	struct span rest = command;

	view_answer(&conversation->view, command, line);
	if (span_equals_ignoring_case(words_next(&rest), "/help")) {
		commands_read(&conversation->commands,
			      (struct span){ line.text + 1, line.length - 1 });
	}
	if (!entry || entry->purpose != PENDING_QUIET) {
		show_row(conversation, line, command, wall_ns);
	}
}

void conversation_hear(struct conversation *conversation, struct span line, int64_t wall_ns)
{
	bool sale = span_starts(line, "*sale ");

	switch (line.length > 0 ? line.text[0] : '\0') {
	case '+':
	case '-': hear_final(conversation, line, wall_ns); break;
	case '=': hear_row(conversation, line, wall_ns); break;
	case '*':
		view_hear(&conversation->view, line);
		if (!sale || view_sale_is_news(&conversation->view, line)) {
			show_event(conversation, line, wall_ns);
		}
		break;
	default: show_event(conversation, line, wall_ns);
	}
}
