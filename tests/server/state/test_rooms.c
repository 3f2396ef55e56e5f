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

static uint16_t find(const char *name)
{
	return rooms_find(rooms, directory, span_of(name));
}

static uint16_t open_by(const char *name, unsigned char last_byte)
{
	const struct peer_address opener = { { [10] = 255, 255, 192, 0, 2, last_byte } };

	return rooms_open(rooms, directory, span_of(name), opener);
}

static uint16_t open_room(const char *name)
{
	return open_by(name, 1);
}

static void init(void)
{
	log_start("test", LOG_ERROR, LOG_TEXT); /* each repair is worth a warning */
	memory_init(&memory, "test",
		    directory_size(WORKERS, 8) + admission_size(8) + rooms_size(1));
	directory = directory_create(&memory, WORKERS, 8, admission_create(&memory, 8, 0));
	rooms = rooms_create(&memory, WORKERS, 1);
	room = open_room("#room");
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
	uint16_t other = open_room("#other");

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

	cr_expect_eq(find("#ROOM"), room);
	cr_expect_eq(room_members(rooms, room), 2);
	rooms_leave(rooms, room, 0);
	cr_expect(room_read_name(rooms, room, name));
	cr_expect_str_eq(name, "#room");
	rooms_recount(rooms, 1, (const uint32_t[ROOMS_MAX]){ 0 });
	cr_expect(!room_read_name(rooms, room, name));
	cr_expect_eq(find("#room"), ROOM_NONE);
}

Test(rooms, who_comes_into_a_room_made_anew_hears_nothing_of_the_old_one)
{
	static struct reader reader;

	append("a secret\n");
	rooms_recount(rooms, 0, (const uint32_t[ROOMS_MAX]){ 0 });
	rooms_recount(rooms, 1, (const uint32_t[ROOMS_MAX]){ 0 });
	room = open_room("#new");
	rooms_enter(rooms, room, 0);
	reader.position = rooms->rooms[room].oldest;
	append("hello\n");
	read_all(&reader);
	cr_expect_str_eq(reader.text, "hello\n");
}

Test(rooms, an_events_room_stays_and_is_spelled_as_the_event)
{
	char name[NAME_ROOM_SIZE];
	uint16_t before = open_room("#RUSH");

	rooms_enter(rooms, before, 0);
	cr_expect_eq(rooms_of_event(rooms, directory, "rush"), before);
	rooms_leave(rooms, before, 0);
	cr_expect(room_read_name(rooms, before, name));
	cr_expect_str_eq(name, "#rush");
}

/* Opens NAME with a number behind it from an address, and enters it if it may be opened. */
static uint16_t enter_numbered(const char *name, unsigned number, unsigned char last_byte)
{
	char numbered[32];
	uint16_t place;

	snprintf(numbered, sizeof(numbered), "%s%u", name, number);
	place = open_by(numbered, last_byte);
	if (place < ROOMS_MAX) {
		rooms_enter(rooms, place, 0);
	}
	return place;
}

/* Of the fixture's address, 1, there is #room; each address gets 100 rooms more. */
static void fill(void)
{
	for (unsigned i = 1; i < ROOMS_OF_PEOPLE; i++) {
		cr_assert_lt(enter_numbered("#r", i, (unsigned char)(1 + i / 100)), ROOMS_MAX);
	}
}

Test(rooms, there_is_a_most_of_rooms)
{
	fill();
	cr_expect_eq(open_by("#one-more", 99), ROOM_NONE);
	cr_expect_eq(open_room("#room"), room);
}

Test(rooms, an_event_has_its_room_when_people_have_opened_all_they_may)
{
	char event[32];

	fill();
	for (unsigned i = 0; i < ROOMS_MAX - ROOMS_OF_PEOPLE; i++) {
		snprintf(event, sizeof(event), "e%u", i);
		cr_assert_lt(rooms_of_event(rooms, directory, event), ROOMS_MAX);
	}
	cr_expect_neq(find("#e0"), ROOM_NONE);
	cr_expect_eq(open_by("#one-more", 99), ROOM_NONE);
}

Test(rooms, an_address_opens_so_many_and_leaves_the_rest_to_others)
{
	for (unsigned i = 1; i < ROOMS_AN_ADDRESS; i++) {
		cr_assert_lt(enter_numbered("#r", i, 1), ROOMS_MAX);
	}
	for (unsigned i = 0; i < ROOMS_MAX; i++) {
		cr_assert_eq(enter_numbered("#more", i, 1), ROOM_REFUSED);
	}
	cr_expect_eq(open_room("#r7"), find("#r7"), "what is there may be entered");
	cr_expect_lt(enter_numbered("#other", 1, 2), ROOMS_MAX);
	cr_expect_eq(open_room("#other1"), find("#other1"), "also what another opened");
	cr_expect_neq(rooms_of_event(rooms, directory, "rush"), ROOM_NONE);
}

Test(rooms, for_one_who_opens_and_leaves_only_rooms_of_its_own_are_forgotten)
{
	uint16_t others = enter_numbered("#other", 1, 2);

	rooms_leave(rooms, others, 0);
	for (unsigned i = 0; i < 2 * ROOMS_MAX; i++) {
		uint16_t place = enter_numbered("#r", i, 1);

		cr_assert_lt(place, ROOMS_MAX);
		cr_assert_neq(place, others);
		rooms_leave(rooms, place, 0);
	}
	cr_expect_eq(open_by("#other1", 2), others, "it is remembered");
}

Test(rooms, who_reopens_what_others_left_has_opened_it)
{
	for (unsigned i = 0; i < ROOMS_OF_PEOPLE - 1; i++) {
		uint16_t place = enter_numbered("#old", i, (unsigned char)(10 + i / 100));

		rooms_leave(rooms, place, 0);
	}
	for (unsigned i = 1; i < ROOMS_AN_ADDRESS; i++) {
		cr_assert_lt(enter_numbered("#old", i, 1), ROOMS_MAX);
	}
	cr_expect_eq(enter_numbered("#old", ROOMS_AN_ADDRESS, 1), ROOM_REFUSED);
	cr_expect_lt(enter_numbered("#new", 1, 2), ROOMS_MAX);
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

/* The same of a line of the bus: whoever reads the stream next appends it once more, to be sure */

static uint64_t sequence;

static bool append_next(void)
{
	const struct room_message message = { .kind = MESSAGE_SAID,
					      .nick = { "", 0 },
					      .text = span_of("said once\n"),
					      .sequence = sequence };

	return room_append(rooms, room, &message);
}

static int append_of_stream(void *unused)
{
	(void)unused;
	append_next();
	return 0;
}

static void go_on(void)
{
	catch_up();
	sequence++;
}

static void see_it_once(const struct child *dead)
{
	(void)dead;
	cr_assert(eventually(append_next()));
	read_all(&survivor);
	cr_assert_str_eq(survivor.text, "said once\n");
	cr_assert_eq(rooms->rooms[room].sequence, sequence);
}

/* Somebody else may have the room's lock, and repair its log, before that. */
static void see_it_once_behind_another(const struct child *dead)
{
	(void)dead;
	cr_assert(eventually(append("between\n")));
	cr_assert(eventually(append_next()));
	read_all(&survivor);
	cr_assert(strcmp(survivor.text, "said once\nbetween\n") == 0 ||
			  strcmp(survivor.text, "between\nsaid once\n") == 0,
		  "'%s'", survivor.text);
}

Test(rooms, killed_at_any_step_what_the_bus_appends_is_there_once)
{
	go_on();
	append_of_stream(NULL);
	child_kill_everywhere(append_of_stream, go_on, see_it_once);
	child_kill_everywhere(append_of_stream, go_on, see_it_once_behind_another);
}

Test(rooms, of_another_stream_sequences_begin_anew)
{
	sequence = 7;
	append_next();
	append_next();
	catch_up();
	cr_assert(rooms_forget_sequences(rooms));
	append_next();
	read_all(&survivor);
	cr_assert_str_eq(survivor.text, "said once\n");
}

Test(rooms, where_something_is_said_elsewhere_is_remembered_as_one_that_everybody_left)
{
	cr_assert_lt(rooms_remember(rooms, directory, span_of("#far")), ROOMS_MAX);
	cr_assert_eq(find("#far"), ROOM_NONE);
	cr_assert_eq(rooms_remember(rooms, directory, span_of("#FAR")), open_room("#far"));
	cr_assert_eq(rooms_remember(rooms, directory, span_of("#room")), room);
	cr_assert_eq(find("#room"), room);
}
