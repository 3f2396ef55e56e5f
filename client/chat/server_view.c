#include "client/chat/server_view.h"

#include <stdio.h>
#include <string.h>

#define TENTHS      10
#define MEMBERS_MAX INT64_C(1000000000) /* of a room, whatever the server says */

void view_init(struct server_view *view)
{
	memset(view, 0, sizeof(*view));
}

static void copy(char *to, size_t size, struct span name)
{
	snprintf(to, size, "%.*s", (int)name.length, name.text);
}

static size_t fold(struct span name, char *folded)
{
	return name_is_room(name) ? name_fold(name, folded) : name_fold_person(name, folded);
}

static bool same(struct span one, struct span other)
{
	char a[NAME_FOLDED_SIZE], b[NAME_FOLDED_SIZE];
	size_t length = fold(one, a);

	return length > 0 && length == fold(other, b) && memcmp(a, b, length) == 0;
}

/* Puts NAME behind COUNT names of SIZE bytes; when there are MOST already, the first one goes. */
static void remember(char *names, size_t size, size_t most, size_t *count, struct span name)
{
	if (*count == most) {
		memmove(names, names + size, (most - 1) * size);
		--*count;
	}
	copy(names + (*count)++ * size, size, name);
}

/* Rooms heard of. */

static void note_room(struct server_view *view, struct span name)
{
	bool known = !name_is_room(name);

	for (size_t i = 0; !known && i < view->listed_count; i++) {
		known = same(span_of(view->listed[i]), name);
	}
	if (!known) {
		remember(view->listed[0], NAME_ROOM_SIZE, VIEW_LISTED_MAX, &view->listed_count,
			 name);
	}
}

/* Rooms that we are in. */

static size_t find_room_index(const struct server_view *view, struct span name)
{
	size_t i = 0;

	while (i < view->room_count && !same(span_of(view->rooms[i].name), name)) {
		i++;
	}
	return i;
}

static struct view_room *find_room(struct server_view *view, struct span name)
{
	size_t at = find_room_index(view, name);

	return at < view->room_count ? &view->rooms[at] : NULL;
}

static void remove_room(struct server_view *view, size_t at)
{
	size_t behind = view->room_count - 1 - at;

	memmove(&view->rooms[at], &view->rooms[at + 1], behind * sizeof(view->rooms[0]));
	view->room_count--;
}

void view_leave(struct server_view *view, struct span name)
{
	size_t at = find_room_index(view, name);

	if (at < view->room_count) {
		remove_room(view, at);
	}
}

static struct view_room *add_room(struct server_view *view, struct span name)
{
	if (view->room_count == VIEW_ROOMS) {
		remove_room(view, 0);
	}
	struct view_room *room = &view->rooms[view->room_count++];
	copy(room->name, sizeof(room->name), name);
	return room;
}

/* Makes a room the last one, which is the current one. */
static void make_current(struct server_view *view, struct span name)
{
	size_t at = find_room_index(view, name);

	if (at + 1 >= view->room_count) {
		return;
	}
	struct view_room moved = view->rooms[at];
	remove_room(view, at);
	view->rooms[view->room_count++] = moved;
}

static void enter_room(struct server_view *view, struct span name, int64_t members)
{
	struct view_room *room = find_room(view, name);

	if (!name_is_room(name)) {
		return;
	}
	if (!room) {
		room = add_room(view, name);
	}
	room->members = members;
	room->nick_count = 0;
	make_current(view, name);
	note_room(view, name);
}

const struct view_room *view_current(const struct server_view *view)
{
	return view->room_count == 0 ? NULL : &view->rooms[view->room_count - 1];
}

/* People in a room. */

static size_t find_nick(const struct view_room *room, struct span nick)
{
	size_t i = 0;

	while (i < room->nick_count && !same(span_of(room->nicks[i]), nick)) {
		i++;
	}
	return i;
}

static void remove_nick(struct view_room *room, struct span nick)
{
	size_t at = find_nick(room, nick);

	if (at == room->nick_count) {
		return;
	}
	memmove(room->nicks[at], room->nicks[at + 1],
		(room->nick_count - 1 - at) * sizeof(view_nick));
	room->nick_count--;
}

/* The last one is who was heard of last. */
static void note_nick(const struct server_view *view, struct view_room *room, struct span nick)
{
	char folded[NAME_FOLDED_SIZE];

	if (name_fold_person(nick, folded) == 0 || same(nick, span_of(view->nick))) {
		return;
	}
	remove_nick(room, nick);
	if (room->nick_count == VIEW_NICKS) {
		remove_nick(room, span_of(room->nicks[0]));
	}
	copy(room->nicks[room->nick_count++], sizeof(view_nick), nick);
}

static void rename_nick(struct server_view *view, struct span old, struct span new)
{
	for (size_t i = 0; i < view->room_count; i++) {
		struct view_room *room = &view->rooms[i];
		if (find_nick(room, old) < room->nick_count) {
			remove_nick(room, old);
			note_nick(view, room, new);
		}
	}
}

/* Events and codes. */

static size_t find_event(const struct server_view *view, struct span name)
{
	size_t i = 0;

	while (i < view->event_count && !span_equals(name, view->events[i].name)) {
		i++;
	}
	return i;
}

static struct view_event *event_named(struct server_view *view, struct span name)
{
	size_t at = find_event(view, name);

	return at < view->event_count ? &view->events[at] : NULL;
}

static struct view_event *make_event(struct server_view *view, struct span name)
{
	if (!name_is_event(name) || view->event_count == VIEW_EVENTS) {
		return NULL;
	}
	struct view_event *event = &view->events[view->event_count++];
	memset(event, 0, sizeof(*event));
	copy(event->name, sizeof(event->name), name);
	event->open = true;
	event->told_tenth = -1;
	return event;
}

static void note_left(struct server_view *view, struct span name, struct span left,
		      struct span total)
{
	struct view_event *event = event_named(view, name);
	int64_t left_count, total_count;

	if (!words_number(left, 0, VIEW_TICKETS_MAX, &left_count) ||
	    !words_number(total, 0, VIEW_TICKETS_MAX, &total_count)) {
		return;
	}
	if (!event) {
		event = make_event(view, name);
	}
	if (!event) {
		return;
	}
	event->left = left_count;
	event->total = total_count;
}

const struct view_event *view_event_of(const struct server_view *view, const struct view_room *room)
{
	if (!room) {
		return NULL;
	}
	size_t at = find_event(view, span_of(room->name + 1));
	return at < view->event_count ? &view->events[at] : NULL;
}

/* Rounded up, so that the last ticket and none are not the same. */
static int64_t tenth_of(const struct view_event *event)
{
	double part = event->total > 0 ? (double)event->left / (double)event->total : 0;
	int64_t tenth = (int64_t)(part * TENTHS);

	return event->left > 0 && (double)tenth < part * TENTHS ? tenth + 1 : tenth;
}

bool view_sale_is_news(struct server_view *view, struct span line)
{
	words_next(&line);
	struct view_event *event = event_named(view, words_next(&line));
	if (!event) {
		return true;
	}
	int64_t tenth = tenth_of(event);
	if (tenth == event->told_tenth) {
		return false;
	}
	event->told_tenth = tenth;
	return true;
}

static void note_code(struct server_view *view, struct span code)
{
	bool known = !code_is_well_formed(code) || code.length >= CODE_SIZE;

	for (size_t i = 0; !known && i < view->code_count; i++) {
		known = span_equals(code, view->codes[i]);
	}
	if (!known) {
		remember(view->codes[0], CODE_SIZE, VIEW_CODES, &view->code_count, code);
	}
}

/* What lines say. */

/*
 * Events and listings come on different ways: a *join may come after the list that has the newcomer
 * already. So only who was not known counts.
 */
static void hear_in_room(struct server_view *view, struct span kind, struct span name,
			 struct span nick)
{
	struct view_room *room = find_room(view, name);

	if (!room) {
		return;
	}
	bool known = find_nick(room, nick) < room->nick_count;
	if (span_equals(kind, "*part")) {
		room->members -= known;
		remove_nick(room, nick);
		return;
	}
	if (span_equals(kind, "*join")) {
		room->members += !known;
	}
	note_nick(view, room, nick);
}

void view_hear(struct server_view *view, struct span line)
{
	struct span kind = words_next(&line);
	struct span first = words_next(&line);
	struct span second = words_next(&line);
	struct span third = words_next(&line);

	if (span_equals(kind, "*sale")) {
		note_left(view, first, second, third);
	} else if (span_equals(kind, "*offer")) {
		note_code(view, first);
	} else if (span_equals(kind, "*nick")) {
		rename_nick(view, first, second);
	} else if (span_starts(first, "#")) {
		hear_in_room(view, kind, first, second);
	}
}

/* "=EVENT LEFT/TOTAL open|closed TITLE" */
static void read_event_row(struct server_view *view, struct span row)
{
	struct span name = words_next(&row);
	struct span figures = words_next(&row);
	const char *slash = memchr(figures.text, '/', figures.length);

	if (!slash) {
		return;
	}
	size_t before = (size_t)(slash - figures.text);
	note_left(view, name, (struct span){ figures.text, before },
		  (struct span){ slash + 1, figures.length - before - 1 });
	struct view_event *event = event_named(view, name);
	if (event) {
		event->open = span_equals(words_next(&row), "open");
	}
}

static void read_row(struct server_view *view, struct span command, struct span row)
{
	struct span name = words_next(&command);

	if (span_equals_ignoring_case(name, "/events")) {
		read_event_row(view, row);
	} else if (span_equals_ignoring_case(name, "/rooms")) {
		note_room(view, words_next(&row));
	} else if (span_equals_ignoring_case(name, "/who")) {
		struct view_room *room = find_room(view, words_next(&command));
		if (room) {
			note_nick(view, room, words_next(&row));
		}
	}
}

static void take_nick(struct server_view *view, struct span nick, bool chosen)
{
	if (!name_is_nick(nick)) {
		return;
	}
	copy(view->nick, sizeof(view->nick), nick);
	if (chosen) {
		copy(view->chosen, sizeof(view->chosen), nick);
	}
	for (size_t i = 0; i < view->room_count; i++) {
		remove_nick(&view->rooms[i], nick);
	}
}

static void read_final(struct server_view *view, struct span command, struct span line)
{
	struct span kind = words_next(&line);
	struct span first = words_next(&line);
	struct span second = words_next(&line);
	struct span third = words_next(&line);
	int64_t members;

	if (span_equals(kind, "+nick")) {
		take_nick(view, first, true);
	} else if (span_equals(kind, "+where") && words_rest(command).length == strlen("/where")) {
		take_nick(view, first, false);
	} else if (span_equals(kind, "+join") && words_number(second, 0, MEMBERS_MAX, &members)) {
		enter_room(view, first, members);
	} else if (span_equals(kind, "+part")) {
		view_leave(view, first);
	} else if (span_equals(kind, "+say")) {
		make_current(view, first);
	} else if (span_equals(kind, "+left")) {
		note_left(view, first, second, third);
	} else if (span_equals(kind, "+booked") || span_equals(kind, "+held")) {
		note_code(view, first);
	}
}

/* Who is in a room is counted anew with every list of it. */
static void count_members(struct server_view *view, struct span command, struct span count)
{
	words_next(&command);
	struct view_room *room = find_room(view, words_next(&command));

	if (room) {
		words_number(count, 0, MEMBERS_MAX, &room->members);
	}
}

void view_answer(struct server_view *view, struct span command, struct span line)
{
	struct span rest = line;

	if (span_starts(line, "=")) {
		read_row(view, command, (struct span){ line.text + 1, line.length - 1 });
	} else if (span_equals(words_next(&rest), "+who")) {
		count_members(view, command, words_next(&rest));
	} else {
		read_final(view, command, line);
	}
}
