/*
 * What the stream brings stands in the rooms' logs here, in its order, each once: also when it is
 * brought again, and when the bus process is killed anywhere over it.
 */
#include "server/bus/reader.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/base/log.h"
#include "tests/support/child.h"

#define MINE       1 /* the stream */
#define ANOTHER    2
#define FLOOD      1000 /* lines: more than a log keeps */
#define FLOOD_TEXT 400  /* bytes of each */
#define TEXT       4096 /* bytes of a log's words, in a test */

static const struct options options = { .workers = 2,
					.max_connections = 8,
					.history = 10,
					.send_queue_total_bytes = 1 << 20,
					.node = "a",
					.bus_server_count = 1 };
static struct shared_state shared;
static uint64_t wakes;

static void init(void)
{
	log_start("test", LOG_ERROR, LOG_TEXT);
	shared_state_init(&shared, &options);
	(void)reader_begin(&shared, MINE, 0);
}

static void finish(void)
{
	shared_state_finish(&shared);
}

TestSuite(reader, .init = init, .fini = finish, .timeout = 120);

struct line {
	const char *node;
	uint64_t epoch;
	uint64_t number;
	const char *room;
	const char *nick;
	const char *text;
};

static enum order_verdict bring(uint64_t sequence, struct line line)
{
	struct wire_message message = { .head = { .epoch = line.epoch, .number = line.number },
					.room = span_of(line.room),
					.said = { .kind = MESSAGE_SAID,
						  .nick = span_of(line.nick),
						  .text = span_of(line.text),
						  .sender = { 0, 3, 77 } } };
	struct records records;

	(void)snprintf(message.head.node, sizeof(message.head.node), "%s", line.node);
	records_write(&records);
	wire_write(&records, &message);
	enum order_verdict verdict =
		reader_take(&shared, (struct span){ (const char *)records.bytes, records.length },
			    sequence, &wakes);

	records_finish(&records);
	return verdict;
}

static uint16_t room_of(const char *name)
{
	cr_assert(directory_try(shared.directory));
	uint16_t room = rooms_remember(shared.rooms, shared.directory, span_of(name));

	directory_unlock(shared.directory);
	return room;
}

/* "nick text, nick text" of a room's log. */
static const char *said_in(const char *name)
{
	static char text[TEXT];
	const uint16_t room = room_of(name);
	uint64_t position = shared.rooms->rooms[room].oldest;
	const struct room_record *record;
	size_t length = 0;

	text[0] = '\0';
	while ((record = rooms_record(shared.rooms, room, &position))) {
		const struct message said = room_message_of(record, span_of(name));

		length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%.*s %.*s",
					   length > 0 ? ", " : "", (int)said.nick.length,
					   said.nick.text, (int)said.text.length, said.text.text);
		position += record->size;
	}
	return text;
}

Test(reader, who_is_on_another_machine_is_named_with_it)
{
	bring(1, (struct line){ "b", 5, 0, "#tea", "bob", "hello" });
	bring(2, (struct line){ "a", 4, 0, "#tea", "ann", "before the restart" });
	cr_expect_str_eq(said_in("#tea"), "bob@b hello, ann before the restart");
}

Test(reader, in_a_room_that_is_spelled_otherwise_it_is_the_same)
{
	bring(1, (struct line){ "b", 5, 0, "#tea", "bob", "one" });
	bring(2, (struct line){ "b", 5, 1, "#TEA", "bob", "two" });
	cr_expect_str_eq(said_in("#Tea"), "bob@b one, bob@b two");
}

Test(reader, what_comes_again_is_not_said_again)
{
	bring(1, (struct line){ "b", 5, 0, "#tea", "bob", "one" });
	bring(1, (struct line){ "b", 5, 0, "#tea", "bob", "one" });
	bring(2, (struct line){ "b", 5, 0, "#tea", "bob", "one" });
	cr_expect_str_eq(said_in("#tea"), "bob@b one");
	cr_expect_eq(shared.bus->position, 2);
}

static void put(const char *text)
{
	const struct room_message message = { .kind = MESSAGE_SAID,
					      .nick = span_of("ann"),
					      .text = span_of(text) };

	cr_assert(bus_put(shared.bus, 0, "#tea", &message));
}

Test(reader, ones_own_line_frees_its_place_when_it_comes_back)
{
	put("one");
	put("two");
	bring(1, (struct line){ "a", shared.bus->epoch, 0, "#tea", "ann", "one" });
	cr_expect_eq(bus_waiting(shared.bus), 1);
	bring(2, (struct line){ "a", shared.bus->epoch, 1, "#tea", "ann", "two" });
	cr_expect_eq(bus_waiting(shared.bus), 0);
	cr_expect_str_eq(said_in("#tea"), "ann one, ann two");
}

Test(reader, what_was_never_put_here_frees_nothing)
{
	bring(1, (struct line){ "a", shared.bus->epoch, 900, "#tea", "ann", "forged" });
	cr_expect_eq(shared.bus->outboxes[0].said, 0);
}

Test(reader, ones_own_line_that_comes_early_is_told_by_its_worker)
{
	static struct wire_message message = {
		.room = { "#tea", 4 }, .said = { .nick = { "ann", 3 }, .text = { "", 0 } }
	};
	struct records records;

	message.head = (struct wire_head){ .node = "a", .epoch = shared.bus->epoch, .worker = 1 };
	records_write(&records);
	wire_write(&records, &message);
	cr_expect_eq(reader_own_worker(
			     &shared, (struct span){ (const char *)records.bytes, records.length }),
		     1);
	records_finish(&records);
	cr_expect_eq(bring(1, (struct line){ "b", 5, 0, "#tea", "bob", "one" }), ORDER_COUNTS);
	cr_expect_eq(bring(2, (struct line){ "b", 5, 2, "#tea", "bob", "three" }), ORDER_EARLY);
	cr_expect_eq(bring(3, (struct line){ "b", 5, 1, "#tea", "bob", "two" }), ORDER_COUNTS);
	cr_expect_eq(bring(4, (struct line){ "b", 5, 2, "#tea", "bob", "three" }), ORDER_COUNTS);
	cr_expect_str_eq(said_in("#tea"), "bob@b one, bob@b two, bob@b three");
}

Test(reader, a_seat_that_cannot_be_ones_own_is_nobodys)
{
	struct wire_message message = { .head = { .node = "a", .epoch = shared.bus->epoch },
					.room = span_of("#tea"),
					.said = { .nick = span_of("ann"),
						  .text = span_of("x"),
						  .sender = { 0, UINT32_MAX, 1 } } };
	struct records records;
	uint64_t position = 0;

	records_write(&records);
	wire_write(&records, &message);
	reader_take(&shared, (struct span){ (const char *)records.bytes, records.length }, 1,
		    &wakes);
	records_finish(&records);
	const struct room_record *record = rooms_record(shared.rooms, room_of("#tea"), &position);

	cr_assert(record);
	cr_expect_eq(record->sender.session, 0);
	cr_expect_eq(record->sender.seat, 0);
}

Test(reader, what_is_none_of_ours_is_left_out)
{
	reader_take(&shared, span_of("{\"text\": \"hello\"}"), 1, &wakes);
	bring(2, (struct line){ "b", 5, 0, "tea", "bob", "no room" });
	bring(3, (struct line){ "b", 5, 1, "#tea", "bob", "one" });
	cr_expect_str_eq(said_in("#tea"), "bob@b one");
	cr_expect_eq(shared.bus->counters[BUS_LEFT_OUT], 2);
	cr_expect_eq(shared.bus->position, 3);
}

Test(reader, another_stream_is_read_from_its_beginning_and_nothing_is_said_twice)
{
	bring(1, (struct line){ "b", 5, 0, "#tea", "bob", "one" });
	bring(2, (struct line){ "b", 5, 1, "#tea", "bob", "two" });
	cr_expect_eq(reader_begin(&shared, MINE, 2), 3);
	cr_expect_eq(reader_begin(&shared, ANOTHER, 2), 1);
	bring(1, (struct line){ "b", 5, 1, "#tea", "bob", "two" });
	bring(2, (struct line){ "b", 5, 4, "#tea", "bob", "five" });
	cr_expect_str_eq(said_in("#tea"), "bob@b one, bob@b two, bob@b five");
	cr_expect_eq(reader_begin(&shared, ANOTHER, 1), 1, "it lost its end");
}

Test(reader, who_has_members_in_the_room_is_woken)
{
	const uint16_t room = room_of("#tea");

	cr_assert(directory_try(shared.directory));
	rooms_enter(shared.rooms, room, 1);
	directory_unlock(shared.directory);
	wakes = 0;
	bring(1, (struct line){ "b", 5, 0, "#cake", "bob", "x" });
	cr_expect_eq(wakes, 0);
	bring(2, (struct line){ "b", 5, 1, "#tea", "bob", "x" });
	cr_expect_eq(wakes, 2);
}

/* What was said during a cut comes at once */

static int read_slowly(void *unused)
{
	static _Alignas(8) unsigned char buffer[2 * ROOM_RECORD_MAX];
	const uint16_t room = 0;
	struct room_place *place = room_place(shared.rooms, 1, room);
	uint64_t missed = 0;
	uint64_t heard = 0;

	(void)unused;
	while (heard < FLOOD) {
		size_t length = room_read(shared.rooms, room, &place->position, &place->next_number,
					  buffer, sizeof(buffer), &missed);

		child_check(missed == 0);
		for (size_t at = 0; at < length;) {
			const struct room_record *record = (const void *)(buffer + at);

			heard += record->kind != ROOM_PADDING;
			at += record->size;
		}
		clock_sleep(NS_PER_MS / 4);
	}
	return 0;
}

Test(reader, nothing_is_overwritten_before_a_worker_that_is_slow_has_read_it)
{
	static char text[FLOOD_TEXT + 1];
	const uint16_t room = room_of("#tea");

	memset(text, 'x', FLOOD_TEXT);
	cr_assert_eq(room, 0);
	cr_assert(directory_try(shared.directory));
	rooms_enter(shared.rooms, room, 1);
	directory_unlock(shared.directory);
	room_place(shared.rooms, 1, room)->next_number = 1;
	struct child slow = child_start(read_slowly, NULL);

	for (uint64_t i = 0; i < FLOOD; i++) {
		bring(i + 1, (struct line){ "b", 5, i, "#tea", "bob", text });
	}
	cr_assert_eq(child_join(&slow), 0);
}

/* Its worker hangs: the others are not kept for long. */
Test(reader, one_that_does_not_read_at_all_is_not_waited_for)
{
	static char text[FLOOD_TEXT + 1];
	const uint16_t room = room_of("#tea");

	memset(text, 'x', FLOOD_TEXT);
	cr_assert(directory_try(shared.directory));
	rooms_enter(shared.rooms, room, 1);
	directory_unlock(shared.directory);
	for (uint64_t i = 0; i < FLOOD; i++) {
		bring(i + 1, (struct line){ "b", 5, i, "#tea", "bob", text });
	}
	cr_assert_eq(shared.bus->position, FLOOD);
}

/* Killed anywhere */

static uint64_t round_number;

static void bring_one(void)
{
	char text[32];
	const uint64_t number = round_number;

	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
	(void)bring(number + 1,
		    (struct line){ "a", shared.bus->epoch, number, "#tea", "ann", text });
}

static int bring_in_child(void *unused)
{
	(void)unused;
	bring_one();
	return 0;
}

static void put_one(void)
{
	put("x");
	round_number = shared.bus->outboxes[0].put - 1;
}

static uint64_t last_in_log(uint64_t *count)
{
	const uint16_t room = room_of("#tea");
	uint64_t position = shared.rooms->rooms[room].oldest;
	const struct room_record *record;
	uint64_t last = 0;
	uint64_t before = UINT64_MAX;

	*count = 0;
	while ((record = rooms_record(shared.rooms, room, &position))) {
		const struct message said = room_message_of(record, span_of("#tea"));
		int64_t number = 0;

		cr_assert(words_number(said.text, 0, INT64_MAX, &number));
		cr_assert(before == UINT64_MAX || (uint64_t)number == before + 1,
			  "%llu follows %llu", (unsigned long long)number,
			  (unsigned long long)before);
		before = last = (uint64_t)number;
		++*count;
		position += record->size;
	}
	return last;
}

/* Its successor is brought the same message again. */
static void see_it_once(const struct child *dead)
{
	uint64_t count;

	(void)dead;
	if (shared.bus->position < round_number + 1) {
		bring_one();
	}
	cr_assert_eq(last_in_log(&count), round_number);
	cr_assert_eq(bus_waiting(shared.bus), 0);
	cr_assert_eq(shared.bus->position, round_number + 1);
}

Test(reader, killed_at_any_step_a_line_is_said_once)
{
	put_one();
	bring_one();
	child_kill_everywhere(bring_in_child, put_one, see_it_once);
}
