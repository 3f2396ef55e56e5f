#include "client/chat/roster.h"

#include <stdio.h>
#include <string.h>

#define TENTHS 10

void roster_init(struct roster *roster)
{
	memset(roster, 0, sizeof(*roster));
}

static void copy(char *to, size_t size, struct span name)
{
	snprintf(to, size, "%.*s", (int)name.length, name.text);
}

bool roster_same(struct span one, struct span other)
{
	char a[NAME_FOLDED_SIZE], b[NAME_FOLDED_SIZE];

	if (!name_is_nick(one) && !name_is_room(one)) {
		return false;
	}
	if (!name_is_nick(other) && !name_is_room(other)) {
		return false;
	}
	size_t length = name_fold(one, a);
	return length > 0 && length == name_fold(other, b) && memcmp(a, b, length) == 0;
}

/* Rooms heard of. */

static void note_place(struct roster *roster, struct span name)
{
	if (!name_is_room(name)) {
		return;
	}
	for (size_t i = 0; i < roster->place_count; i++) {
		if (roster_same(span_of(roster->places[i]), name)) {
			return;
		}
	}
	if (roster->place_count == ROSTER_PLACES) {
		memmove(roster->places[0], roster->places[1],
			sizeof(roster->places) - sizeof(roster->places[0]));
		roster->place_count--;
	}
	copy(roster->places[roster->place_count++], sizeof(roster->places[0]), name);
}

/* Rooms that we are in. */

static size_t find_room_index(const struct roster *roster, struct span name)
{
	size_t i = 0;

	while (i < roster->room_count && !roster_same(span_of(roster->rooms[i].name), name)) {
		i++;
	}
	return i;
}

static struct roster_room *find_room(struct roster *roster, struct span name)
{
	size_t at = find_room_index(roster, name);

	return at < roster->room_count ? &roster->rooms[at] : NULL;
}

static void remove_room(struct roster *roster, size_t at)
{
	size_t behind = roster->room_count - 1 - at;

	memmove(&roster->rooms[at], &roster->rooms[at + 1], behind * sizeof(roster->rooms[0]));
	roster->room_count--;
}

void roster_leave(struct roster *roster, struct span name)
{
	size_t at = find_room_index(roster, name);

	if (at < roster->room_count) {
		remove_room(roster, at);
	}
}

static struct roster_room *add_room(struct roster *roster, struct span name)
{
	if (roster->room_count == ROSTER_ROOMS) {
		remove_room(roster, 0);
	}
	struct roster_room *room = &roster->rooms[roster->room_count++];
	copy(room->name, sizeof(room->name), name);
	return room;
}

/* Makes a room the last one, which is the current one. */
static void make_current(struct roster *roster, struct span name)
{
	size_t at = find_room_index(roster, name);

	if (at + 1 >= roster->room_count) {
		return;
	}
	struct roster_room moved = roster->rooms[at];
	remove_room(roster, at);
	roster->rooms[roster->room_count++] = moved;
}

static void enter_room(struct roster *roster, struct span name, int64_t members)
{
	struct roster_room *room = find_room(roster, name);

	if (!name_is_room(name)) {
		return;
	}
	if (room == NULL) {
		room = add_room(roster, name);
	}
	room->members = members;
	room->nick_count = 0;
	make_current(roster, name);
	note_place(roster, name);
}

const struct roster_room *roster_current(const struct roster *roster)
{
	return roster->room_count == 0 ? NULL : &roster->rooms[roster->room_count - 1];
}

/* People in a room. */

static size_t find_nick(const struct roster_room *room, struct span nick)
{
	size_t i = 0;

	while (i < room->nick_count && !roster_same(span_of(room->nicks[i]), nick)) {
		i++;
	}
	return i;
}

static void remove_nick(struct roster_room *room, struct span nick)
{
	size_t at = find_nick(room, nick);

	if (at == room->nick_count) {
		return;
	}
	memmove(room->nicks[at], room->nicks[at + 1],
		(room->nick_count - 1 - at) * sizeof(roster_nick));
	room->nick_count--;
}

/* The last one is who was heard of last. */
static void note_nick(const struct roster *roster, struct roster_room *room, struct span nick)
{
	if (!name_is_nick(nick) || roster_same(nick, span_of(roster->nick))) {
		return;
	}
	remove_nick(room, nick);
	if (room->nick_count == ROSTER_NICKS) {
		remove_nick(room, span_of(room->nicks[0]));
	}
	copy(room->nicks[room->nick_count++], sizeof(roster_nick), nick);
}

static void rename_nick(struct roster *roster, struct span old, struct span new)
{
	for (size_t i = 0; i < roster->room_count; i++) {
		struct roster_room *room = &roster->rooms[i];
		if (find_nick(room, old) < room->nick_count) {
			remove_nick(room, old);
			note_nick(roster, room, new);
		}
	}
}

/* Events and codes. */

static size_t find_event(const struct roster *roster, struct span name)
{
	size_t i = 0;

	while (i < roster->event_count && !span_equals(name, roster->events[i].name)) {
		i++;
	}
	return i;
}

static struct roster_event *event_named(struct roster *roster, struct span name)
{
	size_t at = find_event(roster, name);

	return at < roster->event_count ? &roster->events[at] : NULL;
}

static struct roster_event *make_event(struct roster *roster, struct span name)
{
	if (!name_is_event(name) || roster->event_count == ROSTER_EVENTS) {
		return NULL;
	}
	struct roster_event *event = &roster->events[roster->event_count++];
	memset(event, 0, sizeof(*event));
	copy(event->name, sizeof(event->name), name);
	event->open = true;
	event->told_tenth = -1;
	return event;
}

static void note_left(struct roster *roster, struct span name, struct span left, struct span total)
{
	struct roster_event *event = event_named(roster, name);
	int64_t left_count, total_count;

	if (!words_number(left, 0, INT64_MAX, &left_count) ||
	    !words_number(total, 0, INT64_MAX, &total_count)) {
		return;
	}
	if (event == NULL) {
		event = make_event(roster, name);
	}
	if (event == NULL) {
		return;
	}
	event->left = left_count;
	event->total = total_count;
}

const struct roster_event *roster_room_event(const struct roster *roster,
					     const struct roster_room *room)
{
	if (room == NULL) {
		return NULL;
	}
	size_t at = find_event(roster, span_of(room->name + 1));
	return at < roster->event_count ? &roster->events[at] : NULL;
}

/* Rounded up, so that the last ticket and none are not the same. */
static int64_t tenth_of(const struct roster_event *event)
{
	double part = event->total > 0 ? (double)event->left / (double)event->total : 0;
	int64_t tenth = (int64_t)(part * TENTHS);

	return event->left > 0 && (double)tenth < part * TENTHS ? tenth + 1 : tenth;
}

bool roster_sale_is_news(struct roster *roster, struct span line)
{
	words_next(&line);
	struct roster_event *event = event_named(roster, words_next(&line));
	if (event == NULL) {
		return true;
	}
	int64_t tenth = tenth_of(event);
	if (tenth == event->told_tenth) {
		return false;
	}
	event->told_tenth = tenth;
	return true;
}

static void note_code(struct roster *roster, struct span code)
{
	if (!code_is_well_formed(code) || code.length >= CODE_SIZE) {
		return;
	}
	for (size_t i = 0; i < roster->code_count; i++) {
		if (span_equals(code, roster->codes[i])) {
			return;
		}
	}
	if (roster->code_count == ROSTER_CODES) {
		memmove(roster->codes[0], roster->codes[1],
			sizeof(roster->codes) - sizeof(roster->codes[0]));
		roster->code_count--;
	}
	copy(roster->codes[roster->code_count++], CODE_SIZE, code);
}

/* What lines say. */

/*
 * Events and listings come on different ways: a *join may come after the list that has the newcomer
 * already. So only who was not known counts.
 */
static void hear_in_room(struct roster *roster, struct span kind, struct span name,
			 struct span nick)
{
	struct roster_room *room = find_room(roster, name);

	if (room == NULL) {
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
	note_nick(roster, room, nick);
}

void roster_hear(struct roster *roster, struct span line)
{
	struct span kind = words_next(&line);
	struct span first = words_next(&line);
	struct span second = words_next(&line);
	struct span third = words_next(&line);

	if (span_equals(kind, "*sale")) {
		note_left(roster, first, second, third);
	} else if (span_equals(kind, "*offer")) {
		note_code(roster, first);
	} else if (span_equals(kind, "*nick")) {
		rename_nick(roster, first, second);
	} else if (span_starts(first, "#")) {
		hear_in_room(roster, kind, first, second);
	}
}

/* "=EVENT LEFT/TOTAL open|closed TITLE" */
static void read_event_row(struct roster *roster, struct span row)
{
	struct span name = words_next(&row);
	struct span figures = words_next(&row);
	const char *slash = memchr(figures.text, '/', figures.length);

	if (slash == NULL) {
		return;
	}
	size_t before = (size_t)(slash - figures.text);
	note_left(roster, name, (struct span){ figures.text, before },
		  (struct span){ slash + 1, figures.length - before - 1 });
	struct roster_event *event = event_named(roster, name);
	if (event != NULL) {
		event->open = span_equals(words_next(&row), "open");
	}
}

static void read_row(struct roster *roster, struct span command, struct span row)
{
	struct span name = words_next(&command);

	if (span_equals_ignoring_case(name, "/events")) {
		read_event_row(roster, row);
	} else if (span_equals_ignoring_case(name, "/rooms")) {
		note_place(roster, words_next(&row));
	} else if (span_equals_ignoring_case(name, "/who")) {
		struct roster_room *room = find_room(roster, words_next(&command));
		if (room != NULL) {
			note_nick(roster, room, words_next(&row));
		}
	}
}

static void take_nick(struct roster *roster, struct span nick, bool chosen)
{
	copy(roster->nick, sizeof(roster->nick), nick);
	if (chosen) {
		copy(roster->chosen, sizeof(roster->chosen), nick);
	}
	for (size_t i = 0; i < roster->room_count; i++) {
		remove_nick(&roster->rooms[i], nick);
	}
}

static void read_final(struct roster *roster, struct span command, struct span line)
{
	struct span kind = words_next(&line);
	struct span first = words_next(&line);
	struct span second = words_next(&line);
	struct span third = words_next(&line);
	int64_t members;

	if (span_equals(kind, "+nick")) {
		take_nick(roster, first, true);
	} else if (span_equals(kind, "+where") && words_rest(command).length == strlen("/where")) {
		take_nick(roster, first, false);
	} else if (span_equals(kind, "+join") && words_number(second, 0, INT64_MAX, &members)) {
		enter_room(roster, first, members);
	} else if (span_equals(kind, "+part")) {
		roster_leave(roster, first);
	} else if (span_equals(kind, "+say")) {
		make_current(roster, first);
	} else if (span_equals(kind, "+left")) {
		note_left(roster, first, second, third);
	} else if (span_equals(kind, "+booked") || span_equals(kind, "+held")) {
		note_code(roster, first);
	}
}

/* Who is in a room is counted anew with every list of it. */
static void count_members(struct roster *roster, struct span command, struct span count)
{
	words_next(&command);
	struct roster_room *room = find_room(roster, words_next(&command));

	if (room != NULL) {
		words_number(count, 0, INT64_MAX, &room->members);
	}
}

void roster_answer(struct roster *roster, struct span command, struct span line)
{
	struct span rest = line;

	if (span_starts(line, "=")) {
		read_row(roster, command, (struct span){ line.text + 1, line.length - 1 });
	} else if (span_equals(words_next(&rest), "+who")) {
		count_members(roster, command, words_next(&rest));
	} else {
		read_final(roster, command, line);
	}
}
