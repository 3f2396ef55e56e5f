#include "server/state/rooms.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/log.h"
#include "tests/support/child.h"

#define WORKERS 2
#define BUFFER  (64 * 1024)

static struct memory memory;
static struct directory *directory;
static struct rooms *rooms;
static uint16_t room;

static uint16_t find(const char *name, bool make)
{
	return rooms_find(rooms, directory, span_of(name), make);
}

static void init(void)
{
	log_start("test", LOG_ERROR, LOG_TEXT); /* each repair is worth a warning */
	memory_init(&memory, "test",
		    directory_size(WORKERS, 8) + admission_size(8) + rooms_size(1));
	directory = directory_create(&memory, WORKERS, 8, admission_create(&memory, 8, 0));
	rooms = rooms_create(&memory, WORKERS, 1);
	room = find("#room", true);
	rooms_enter(rooms, room, 0);
	rooms_enter(rooms, room, 1);
}

TestSuite(rooms, .init = init, .timeout = 60);

static bool append(const char *text)
{
	const struct room_message message = { .kind = MESSAGE_SAID,
					      .nick = { "", 0 },
					      .text = span_of(text),
					      .sender = { 1, 2, 3 } };

	return room_append(rooms, room, &message);
}

/* A worker's place in the log, and what it read since the last look. */
struct reader {
	uint64_t position, next_number, missed;
	char text[BUFFER];
	size_t length;
};

static void read_records(struct reader *reader, const unsigned char *bytes, size_t length)
{
	for (size_t at = 0; at < length;) {
		const struct room_record *record = (const void *)(bytes + at);

		if (record->kind != ROOM_PADDING) {
			memcpy(reader->text + reader->length, record->bytes, record->text_length);
			reader->length += record->text_length;
		}
		at += record->size;
	}
}

static void read_all(struct reader *reader)
{
	static _Alignas(struct room_record) unsigned char buffer[ROOM_RECORD_MAX + 64];
	uint64_t missed;
	size_t length;

	reader->length = 0;
	while ((length = room_read(rooms, room, &reader->position, &reader->next_number, buffer,
				   sizeof(buffer), &missed)) > 0) {
		reader->missed += missed;
		read_records(reader, buffer, length);
	}
	reader->text[reader->length] = '\0';
}

Test(rooms, every_reader_gets_the_same_lines_in_the_same_order)
{
	static struct reader early, late;

	append("one\n");
	append("two\n");
	read_all(&early);
	cr_expect_str_eq(early.text, "one\ntwo\n");
	append("three\n");
	read_all(&early);
	cr_expect_str_eq(early.text, "three\n");
	read_all(&late);
	cr_expect_str_eq(late.text, "one\ntwo\nthree\n");
	cr_expect_eq(late.missed, 0);
	read_all(&late);
	cr_expect_str_eq(late.text, "");
}

Test(rooms, a_reader_who_sleeps_while_the_log_goes_round_is_told_how_much_it_missed)
{
	static struct reader awake, sleeper;
	char line[600];
	unsigned last;

	append("first\n");
	read_all(&awake);
	read_all(&sleeper);
	memset(line, 'x', sizeof(line));
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(line, 20, "%u", i);
		line[strlen(line)] = ' ';
		snprintf(line + 300 + i % 250, 3, "y\n");
		cr_assert(append(line));
		read_all(&awake);
		cr_assert_eq(strtoul(awake.text, NULL, 10), i);
	}
	cr_expect_eq(awake.missed, 0);
	read_all(&sleeper);
	last = (unsigned)strtoul(sleeper.text, NULL, 10);
	cr_expect_gt(last, 0);
	cr_expect_eq(sleeper.missed, last, "the first it got is number %u", last);
}

Test(rooms, news_is_for_the_workers_with_members_and_taken_once)
{
	uint16_t other = find("#other", true);

	rooms_enter(rooms, other, 1);
	cr_expect(!rooms_have_news(rooms, 0));
	append("hello\n");
	rooms_note_news(rooms, other, 1);
	cr_expect(rooms_have_news(rooms, 0));
	cr_expect_eq(rooms_next_news(rooms, 0), room);
	cr_expect_eq(rooms_next_news(rooms, 0), ROOM_NONE);
	cr_expect(!rooms_have_news(rooms, 0));
	cr_expect_eq(rooms_next_news(rooms, 1), room);
	cr_expect_eq(rooms_next_news(rooms, 1), other);
	cr_expect_eq(rooms_next_news(rooms, 1), ROOM_NONE);
}

Test(rooms, a_room_lives_as_long_as_somebody_is_in_it)
{
	char name[NAME_ROOM_SIZE];

	cr_expect_eq(find("#ROOM", false), room);
	cr_expect_eq(room_members(rooms, room), 2);
	rooms_leave(rooms, room, 0);
	cr_expect(room_read_name(rooms, room, name));
	cr_expect_str_eq(name, "#room");
	rooms_leave_all(rooms, 1);
	cr_expect(!room_read_name(rooms, room, name));
	cr_expect_eq(find("#room", false), ROOM_NONE);
}

Test(rooms, who_comes_into_a_room_made_anew_hears_nothing_of_the_old_one)
{
	static struct reader reader;

	append("a secret\n");
	rooms_leave_all(rooms, 0);
	rooms_leave_all(rooms, 1);
	room = find("#new", true);
	rooms_enter(rooms, room, 0);
	reader.position = rooms->rooms[room].oldest;
	append("hello\n");
	read_all(&reader);
	cr_expect_str_eq(reader.text, "hello\n");
}

Test(rooms, an_events_room_stays_and_is_spelled_as_the_event)
{
	char name[NAME_ROOM_SIZE];
	uint16_t before = find("#RUSH", true);

	rooms_enter(rooms, before, 0);
	cr_expect_eq(rooms_of_event(rooms, directory, "rush"), before);
	rooms_leave(rooms, before, 0);
	cr_expect(room_read_name(rooms, before, name));
	cr_expect_str_eq(name, "#rush");
}

Test(rooms, there_is_a_most_of_rooms)
{
	char name[32];

	for (unsigned i = 1; i < ROOMS_MAX; i++) {
		snprintf(name, sizeof(name), "#r%u", i);
		uint16_t place = find(name, true);
		cr_assert_neq(place, ROOM_NONE);
		rooms_enter(rooms, place, 0);
	}
	cr_expect_eq(find("#one-more", true), ROOM_NONE);
	cr_expect_eq(find("#room", true), room);
}

/* A worker killed anywhere while it appends a line */

static struct reader survivor;
static uint64_t lines_before;

static int append_one(void *unused)
{
	(void)unused;
	append("from one who dies\n");
	return 0;
}

static void catch_up(void)
{
	read_all(&survivor);
	lines_before = rooms->rooms[room].lines;
}

static void see_whole_lines(const struct child *dead)
{
	(void)dead;
	cr_assert(eventually(append("after\n")));
	read_all(&survivor);
	cr_assert(strcmp(survivor.text, "after\n") == 0 ||
			  strcmp(survivor.text, "from one who dies\nafter\n") == 0,
		  "'%s'", survivor.text);
	cr_assert_eq(survivor.missed, 0);
	uint64_t heard = strcmp(survivor.text, "after\n") == 0 ? 1 : 2;
	cr_assert_eq(rooms->rooms[room].lines - lines_before, heard, "a line's number is not its");
}

Test(rooms, killed_at_any_step_an_append_leaves_a_whole_line_or_none)
{
	append_one(NULL);
	child_kill_everywhere(append_one, catch_up, see_whole_lines);
}
